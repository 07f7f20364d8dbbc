// Redis for a server of several nodes: the clients, and the adapter that carries Socket.IO's events from node to node.

import { createAdapter } from '@socket.io/redis-adapter';
import { Redis } from 'ioredis';

// Redis is local: whoever is away is looked for often.
const retryStrategy = (times) => Math.min(50 * times, 500);

/** A client for events: what is said while Redis is away is kept, and said when it is back. */
export function patientRedis(path) {
  return listened(new Redis(path, { retryStrategy, maxRetriesPerRequest: null }));
}

/** A client for locks and numbers: what Redis cannot do now fails now. Resolves once it is connected, or seems to be away. */
export async function promptRedis(path) {
  const redis = listened(
    new Redis(path, { retryStrategy, enableOfflineQueue: false, maxRetriesPerRequest: 0, commandTimeout: 1000 }),
  );
  await new Promise((done) => {
    redis.once('ready', done);
    setTimeout(done, 1000);
  });
  return redis;
}

/**
 * Gives `io` an adapter over Redis. Answers its two clients, `{publisher, subscriber}`, and `close()`. Events that other
 * nodes published while `subscriber` was away are lost; its `ready` after the first one says that this was so.
 */
export function spread(io, path) {
  const publisher = patientRedis(path);
  const subscriber = patientRedis(path);
  // Answers from other nodes are awaited for so long, when a node has died and is still counted.
  io.adapter(createAdapter(publisher, subscriber, { requestsTimeout: 2000 }));
  return {
    publisher,
    subscriber,
    close() {
      publisher.disconnect();
      subscriber.disconnect();
    },
  };
}

/** Without a listener an error of the connection would end the process. Told once for each time that Redis goes away. */
function listened(redis) {
  let told = false;
  redis.on('ready', () => (told = false));
  redis.on('error', (error) => {
    if (!told) console.error(`redis: ${error.message}`);
    told = true;
  });
  return redis;
}
