// The entry: opens the stores of the mode, and serves.

import { needed, serve } from '../common/serve.js';
import { isId } from '../common/ids.js';
import { Tokens } from '../common/tokens.js';
import { documentedMode } from './documented.js';
import { fixedMode } from './fixed.js';
import { api } from './rest.js';

await serve('sequenced', {
  'as-documented': (site) => start(site, documentedMode),
  fixed: (site) => start(site, fixedMode),
});

async function start({ io, secret, fail }, startMode) {
  const tokens = new Tokens(secret, isId);
  io.use(tokens.gate());
  const addresses = { documents: needed('MONGODB_URL', fail), redis: needed('REDIS_SOCKET', fail) };
  const mode = await startMode(io, addresses).catch((error) => fail(error.stack));
  return { answer: api(mode, tokens), drain: mode.drain, close: mode.close };
}
