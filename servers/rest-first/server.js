// The entry: opens the store of the mode, and serves.

import { needed, serve } from '../common/serve.js';
import { Tokens } from '../common/tokens.js';
import { api } from './api.js';
import { documentedMode } from './documented.js';
import { DocumentedStore } from './documented-store.js';
import { fixedMode } from './fixed.js';
import { FixedStore } from './fixed-store.js';
import { isId } from './id.js';

await serve('rest-first', {
  'as-documented': (site) => start(site, DocumentedStore, documentedMode),
  fixed: (site) => start(site, FixedStore, fixedMode),
});

async function start({ io, secret, fail }, StoreOfMode, startMode) {
  const store = new StoreOfMode(needed('DATABASE_URL', fail));
  await store.createSchema().catch((error) => fail(`database: ${error.message}`));
  const tokens = new Tokens(secret, isId);
  io.use(tokens.gate());
  const mode = startMode(io, store);
  return { answer: api({ store, mode, tokens }), drain: mode.drain, close: () => store.close() };
}
