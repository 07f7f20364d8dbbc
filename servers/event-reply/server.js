// The entry: opens the store of the mode, and serves.

import { needed, serve } from '../common/serve.js';
import { Tokens } from '../common/tokens.js';
import { DocumentedStore } from './documented-store.js';
import { documentedMode } from './documented-sockets.js';
import { FixedStore } from './fixed-store.js';
import { fixedMode } from './fixed-sockets.js';
import { isId } from './id.js';

await serve('event-reply', {
  'as-documented': (site) => start(site, DocumentedStore, documentedMode),
  fixed: (site) => start(site, FixedStore, fixedMode),
});

async function start({ io, secret, fail }, StoreOfMode, startMode) {
  const store = await StoreOfMode.open(needed('MONGODB_URL', fail)).catch((error) => fail(`store: ${error.message}`));
  const tokens = new Tokens(secret, isId);
  io.use(tokens.gate());
  const mode = startMode(io, store, tokens);
  return {
    answer: (request, response) => response.writeHead(404).end(),
    drain: mode.drain,
    close: () => store.close(),
  };
}
