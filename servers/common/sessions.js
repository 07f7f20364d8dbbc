// Who is connected, on whichever node: kept in Redis, so that every node has the same answer, and a node that dies takes
// its sessions with it.
//
//   user:{userId}     a hash: each socket of the user, and its node
//   node:{nodeId}     there while the node is alive: it expires unless the node renews it
//   nodes             the ids of all nodes that may have sessions
//   users:{nodeId}    the users that have or had sessions on the node

import { randomUUID } from 'node:crypto';

const ALIVE_MS = 4000;

export class Sessions {
  #mine = new Map();
  #timer;

  /**
   * `onLost(userIds)` hears of users whose node died; one node only is told of each. `onReturn(userIds)` hears of this node's
   * users when it was taken for dead, or Redis had forgotten them.
   */
  constructor(redis, { onLost = () => {}, onReturn = () => {} } = {}) {
    this.redis = redis;
    this.onLost = onLost;
    this.onReturn = onReturn;
    // A new id for each process: the sessions of the one that died are not those of the one that takes its place.
    this.nodeId = randomUUID();
    // Redis may have come back with an empty memory.
    redis.on('ready', () => this.#beat().catch(unheard));
    this.#timer = setInterval(() => this.#beat().catch(unheard), ALIVE_MS / 4);
  }

  /** Call once before the first session. */
  async open() {
    await this.#beat();
  }

  /** Resolves to whether the user had no other session. */
  async begin(userId, socketId) {
    this.#mine.set(socketId, userId);
    const [, before] = await this.#atomically((multi) =>
      multi.sadd(`users:${this.nodeId}`, userId).hvals(`user:${userId}`).hset(`user:${userId}`, socketId, this.nodeId),
    );
    return (await this.#alive(before)).length === 0;
  }

  /** Resolves to whether that was the user's last session. */
  async end(userId, socketId) {
    this.#mine.delete(socketId);
    const [, left] = await this.#atomically((multi) => multi.hdel(`user:${userId}`, socketId).hvals(`user:${userId}`));
    return (await this.#alive(left)).length === 0;
  }

  /** Those of the users that have no session on any node. */
  async offline(userIds) {
    if (userIds.length === 0) return [];
    const nodes = await this.#atomically((multi) => userIds.reduce((m, id) => m.hvals(`user:${id}`), multi));
    const alive = new Set(await this.#alive(nodes.flat()));
    return userIds.filter((_, i) => !nodes[i].some((node) => alive.has(node)));
  }

  async isOnline(userId) {
    return (await this.offline([userId])).length === 0;
  }

  /** Before the process ends in good order: its sessions are over. */
  async close() {
    clearInterval(this.#timer);
    await Promise.all([...this.#mine].map(([socketId, userId]) => this.end(userId, socketId)));
    await this.#atomically((multi) =>
      multi.del(`node:${this.nodeId}`, `users:${this.nodeId}`).srem('nodes', this.nodeId),
    );
  }

  async #alive(nodes) {
    const ids = [...new Set(nodes)].filter((node) => node !== this.nodeId);
    const signs = ids.length > 0 ? await this.redis.mget(ids.map((node) => `node:${node}`)) : [];
    const alive = new Set(ids.filter((_, i) => signs[i] !== null)).add(this.nodeId);
    return nodes.filter((node) => alive.has(node));
  }

  async #beat() {
    const [, isNew] = await this.#atomically((multi) =>
      multi.set(`node:${this.nodeId}`, '1', 'PX', ALIVE_MS).sadd('nodes', this.nodeId),
    );
    if (isNew && this.#mine.size > 0) await this.#tellAll();
    const nodes = await this.redis.smembers('nodes');
    const alive = new Set(await this.#alive(nodes));
    for (const node of nodes) if (!alive.has(node)) await this.#bury(node);
  }

  /** The first node that takes a dead one off the list closes its sessions. */
  async #bury(node) {
    if ((await this.redis.srem('nodes', node)) === 0) return;
    const userIds = await this.redis.smembers(`users:${node}`);
    for (const userId of userIds) {
      const sockets = Object.entries(await this.redis.hgetall(`user:${userId}`));
      const dead = sockets.filter(([, of]) => of === node).map(([socketId]) => socketId);
      if (dead.length > 0) await this.redis.hdel(`user:${userId}`, ...dead);
    }
    await this.redis.del(`users:${node}`);
    const lost = await this.offline(userIds);
    if (lost.length > 0) this.onLost(lost);
  }

  async #tellAll() {
    const all = [...this.#mine];
    await this.#atomically((multi) =>
      all.reduce(
        (m, [socketId, userId]) => m.hset(`user:${userId}`, socketId, this.nodeId).sadd(`users:${this.nodeId}`, userId),
        multi,
      ),
    );
    this.onReturn([...new Set(this.#mine.values())]);
  }

  async #atomically(build) {
    const results = await build(this.redis.multi()).exec();
    return results.map(([error, value]) => {
      if (error) throw error;
      return value;
    });
  }
}

// Redis is away, and what could not be told now is told when it is back.
function unheard() {}
