// The one way a message gets into the store where a server keeps its promises.
//
// All sends go through one queue and are written batch by batch. That keeps each conversation first in, first out - and
// with it each socket's pipelined sends - and makes store, broadcast and acknowledgement happen in one order: a batch
// is committed, then message after message is pushed to its room and acknowledged to its sender.

import { Batcher } from './batcher.js';

/** One string for a sender's key. */
export function keyOf({ senderId, key }) {
  return `${senderId} ${key}`;
}

export class Writer {
  // Keys whose insert ended in an error: they may have been stored all the same, and then nobody has been told yet.
  #unsure = new Set();
  #batcher = new Batcher((sends) => this.#flush(sends));

  /**
   * - `store.lookUp(sends)` answers for each send, in their order, `{member, stored}`: whether the sender is a participant,
   *   and the message that has the key already, or null.
   * - `store.insert(sends)` stores them in their order, and answers the stored messages by `keyOf`. One that is missing had
   *   its key taken meanwhile.
   * - `announce(message)` pushes a new message to its room.
   * - `limiter`, optional, says how many new messages a sender may have.
   */
  constructor({ store, announce, limiter = null }) {
    this.store = store;
    this.announce = announce;
    this.limiter = limiter;
  }

  /**
   * `send` is `{conversationId, senderId, key, at, reply}` and whatever else the store wants; `reply` is called once, with
   * `{error}` or `{message, fresh}`.
   */
  push(send) {
    this.#batcher.push(send);
  }

  idle() {
    return this.#batcher.idle();
  }

  async #flush(sends) {
    let fates;
    try {
      fates = await this.#decide(sends);
    } catch (error) {
      console.error(`storing ${sends.length} messages: ${error.message}`);
      for (const send of sends) send.reply({ error: 'Storage unavailable' });
      return;
    }
    for (const [i, send] of sends.entries()) {
      if (fates[i].fresh) this.announce(fates[i].message);
      send.reply(fates[i]);
    }
  }

  /** What becomes of each send: `{error}`, or `{message, fresh}` with `fresh` at the one that is to be announced. */
  async #decide(sends) {
    const found = await this.store.lookUp(sends);
    const byKey = new Map();
    const toInsert = [];
    const fates = sends.map((send, i) => {
      if (!found[i].member) return { error: 'Not a participant' };
      const key = keyOf(send);
      // The same key again within the batch shares the fate of the first, without announcing it once more.
      const first = byKey.get(key);
      if (first) return { twinOf: first };
      const fate = this.#begin(send, key, found[i].stored);
      byKey.set(key, fate);
      if (fate.insert) toInsert.push(send);
      return fate;
    });

    const stored = toInsert.length > 0 ? await this.#insert(toInsert) : new Map();
    for (const [key, fate] of byKey) {
      if (!fate.insert) continue;
      fate.message = stored.get(key);
      if (fate.message) fate.fresh = true;
      // Another process took the key since the look-up; the client's retry will find it.
      else fate.error = 'Try again';
    }
    return fates.map((fate) => (fate.twinOf ? { ...fate.twinOf, fresh: false } : fate));
  }

  #begin(send, key, stored) {
    // A retry of what is stored is answered with the first id and costs no place in the window.
    if (stored) return { message: stored, fresh: this.#unsure.delete(key) };
    if (this.limiter && !this.limiter.take(send.senderId, send.at)) return { error: 'Rate limit exceeded' };
    return { insert: true };
  }

  async #insert(sends) {
    try {
      const stored = await this.store.insert(sends);
      for (const send of sends) this.#unsure.delete(keyOf(send));
      return stored;
    } catch (error) {
      for (const send of sends) this.#unsure.add(keyOf(send));
      throw error;
    }
  }
}
