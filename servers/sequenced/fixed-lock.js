// Locks and numbers in Redis, for MODE=fixed. They spare the store the quarrel of two nodes; they decide nothing. A lock that
// is lost, a number that is forgotten, and a Redis that is away cost time and no promise.

import { randomUUID } from 'node:crypto';

const LOCK_MS = 2000;
const PATIENCE_MS = 3000;
const PAUSE_MS = 15;

// Only the holder's own lock is released: the one that is there may be that of the next holder.
const RELEASE = `
  if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end
  return 0
`;

export class Locks {
  constructor(redis) {
    this.redis = redis;
  }

  /** Does `work` with the lock of the conversation, or without it if it cannot be had: then the store sorts it out. */
  async holding(conversationId, work) {
    const key = `lock:conversation:${conversationId}`;
    const token = randomUUID();
    const held = await this.#take(key, token);
    try {
      return await work();
    } finally {
      if (held) await this.redis.eval(RELEASE, 1, key, token).catch(() => {});
    }
  }

  async #take(key, token) {
    const deadline = performance.now() + PATIENCE_MS;
    try {
      while (!(await this.redis.set(key, token, 'PX', LOCK_MS, 'NX'))) {
        if (performance.now() > deadline) return false;
        await new Promise((again) => setTimeout(again, PAUSE_MS * Math.random()));
      }
      return true;
    } catch {
      return false;
    }
  }

  /** The number of the conversation's last stored message as far as Redis knows, or null. It may be too low, never too high. */
  async last(conversationId) {
    const number = await this.redis.get(`seq:${conversationId}`).catch(() => null);
    return number === null ? null : Number(number);
  }

  /** To be called after the message is stored, so that no number is ever skipped. */
  async setLast(conversationId, number) {
    await this.redis.set(`seq:${conversationId}`, number).catch(() => {});
  }
}
