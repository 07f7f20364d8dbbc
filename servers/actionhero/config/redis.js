// The private Redis of this start, on a unix socket, for all three of actionhero's connections.

const { Redis } = require('ioredis');

const connection = () => ({ konstructor: Redis, args: [{ path: process.env.REDIS_SOCKET }], buildNew: true });

exports.DEFAULT = {
  redis: () => ({
    scanCount: 1000,
    stopTimeout: 100,
    _toExpand: false,
    client: connection(),
    subscriber: connection(),
    tasks: connection(),
  }),
};
