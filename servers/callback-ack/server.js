// The entry: reads the environment, starts one of the two modes, prints where it listens.

import { createServer } from 'node:http';
import { Server } from 'socket.io';
import { gate } from './auth.js';
import { DocumentedStore } from './documented-store.js';
import { documentedMode } from './documented-sockets.js';
import { FixedStore } from './fixed-store.js';
import { fixedMode } from './fixed-sockets.js';
import { restHandler } from './rest.js';

const MODES = {
  'as-documented': [DocumentedStore, documentedMode],
  fixed: [FixedStore, fixedMode],
};

const env = process.env;
const host = env.HOST ?? '127.0.0.1';
const secret = env.JWT_SECRET ?? 'assize-callback-ack';
if (!Object.hasOwn(MODES, env.MODE ?? '')) fail(`MODE must be one of: ${Object.keys(MODES).join(', ')}`);
if (!env.DATABASE_URL) fail('DATABASE_URL is not set');

const [StoreOfMode, startMode] = MODES[env.MODE];
const store = new StoreOfMode(env.DATABASE_URL);
await store.createSchema().catch((error) => fail(`database: ${error.message}`));

const http = createServer();
// Longer than any client keeps an idle connection, so that it is the client who closes and no request meets a closed one.
http.keepAliveTimeout = 120_000;

// Before Socket.IO is attached: it passes on what is not its own. A listener that comes later would hear its polls, too.
let rest;
http.on('request', (request, response) => rest(request, response));
const io = new Server(http, {
  serveClient: false,
  pingInterval: Number(env.PING_INTERVAL_MS ?? 25_000),
  pingTimeout: Number(env.PING_TIMEOUT_MS ?? 20_000),
});
io.use(gate(secret));
const mode = startMode(io, store);
rest = restHandler({ store, mode, secret });

// A backlog for thousands of clients that all come back in the same moment; the default of 511 turns some away.
http.on('error', (error) => fail(error.message));
http.listen({ port: Number(env.PORT ?? 0), host, backlog: 4096 }, () => {
  console.log(`listening on http://${host}:${http.address().port}`);
});

if (mode.drain) {
  for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => shutDown());
}

/** What was taken in is stored and answered first; then the sockets are closed, the clients of which will reconnect. */
async function shutDown() {
  setTimeout(() => process.exit(1), 4000).unref();
  await mode.drain();
  const closed = io.close();
  http.closeAllConnections();
  await closed;
  await store.close();
  process.exit(0);
}

function fail(message) {
  console.error(`callback-ack: ${message}`);
  process.exit(1);
}
