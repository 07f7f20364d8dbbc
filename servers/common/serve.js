// The frame of every server: HTTP and Socket.IO on one port, the line on stdout that says which, and the orderly end.

import { createServer } from 'node:http';
import { Server } from 'socket.io';

const env = process.env;

/**
 * Runs a server until it is told to end. `modes` has a function for each mode, which gets `{io, secret, fail}` and answers
 *
 * - `answer(request, response)`: what HTTP asks for, if it is not Socket.IO's;
 * - `drain()`, optional: resolves when all that was taken in is stored and answered. Without it a signal ends the process;
 * - `close()`: closes the stores.
 */
export async function serve(name, modes) {
  const fail = (message) => {
    console.error(`${name}: ${message}`);
    process.exit(1);
  };
  if (!Object.hasOwn(modes, env.MODE ?? '')) fail(`MODE must be one of: ${Object.keys(modes).join(', ')}`);

  const http = createServer();
  // Longer than any client keeps an idle connection, so that it is the client who closes and no request meets a closed one.
  http.keepAliveTimeout = 120_000;

  // Before Socket.IO is attached: it passes on what is not its own. A listener that comes later would hear its polls, too.
  let server;
  http.on('request', (request, response) => server.answer(request, response));
  const io = new Server(http, {
    serveClient: false,
    pingInterval: Number(env.PING_INTERVAL_MS ?? 25_000),
    pingTimeout: Number(env.PING_TIMEOUT_MS ?? 20_000),
  });
  server = await modes[env.MODE]({ io, secret: env.JWT_SECRET ?? `assize-${name}`, fail });

  // A backlog for thousands of clients that all come back in the same moment; the default of 511 turns some away.
  const host = env.HOST ?? '127.0.0.1';
  http.on('error', (error) => fail(error.message));
  http.listen({ port: Number(env.PORT ?? 0), host, backlog: 4096 }, () => {
    console.log(`listening on http://${host}:${http.address().port}`);
  });

  if (server.drain) {
    for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => shutDown(server, io, http));
  }
}

/** What was taken in is stored and answered first; then the sockets are closed, the clients of which will reconnect. */
async function shutDown(server, io, http) {
  setTimeout(() => process.exit(1), 4000).unref();
  await server.drain();
  const closed = io.close();
  http.closeAllConnections();
  await closed;
  await server.close();
  process.exit(0);
}

/** The value of a variable that `start` sets. */
export function needed(variable, fail) {
  return env[variable] || fail(`${variable} is not set`);
}
