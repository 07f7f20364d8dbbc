// The entry: opens the stores of the mode, and serves.

import { isId } from '../common/ids.js';
import { needed, serve } from '../common/serve.js';
import { Tokens } from '../common/tokens.js';
import { documentedMode } from './documented.js';
import { fixedMode } from './fixed.js';
import { api } from './rest.js';

await serve('broadcast', {
  'as-documented': (site) => start(site, documentedMode),
  fixed: (site) => start(site, fixedMode),
});

async function start({ io, secret, fail }, startMode) {
  const tokens = new Tokens(secret, isId);
  io.use((socket, next) => {
    try {
      const { userId, chapterId } = tokens.claimsOf(socket.handshake.auth.token);
      Object.assign(socket.data, { userId, chapterId });
    } catch {
      return next(new Error('Authentication error'));
    }
    next();
  });
  const addresses = { documents: needed('MONGODB_URL', fail), redis: needed('REDIS_SOCKET', fail) };
  const mode = await startMode(io, addresses).catch((error) => fail(error.stack));
  return { answer: api(mode, tokens), drain: mode.drain, close: mode.close };
}
