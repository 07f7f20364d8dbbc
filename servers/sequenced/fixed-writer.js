// The one way a message gets into the store in MODE=fixed.
//
// Each conversation has a queue on each node, which is written batch by batch: a client's sends stay in the order in which
// they came. Between nodes there is the lock, and behind it the store's unique indexes: a writer whose number is taken
// looks again what is stored.

import { Batcher } from '../common/batcher.js';

const ATTEMPTS = 10;

export class Writer {
  #queues = new Map();

  /** `announce(conversation, messages)` is told of what was stored, before anybody has an answer. */
  constructor(store, locks, announce) {
    Object.assign(this, { store, locks, announce });
  }

  /** `send` is `{conversationId, senderId, message, clientMessageId, reply}`; `reply({error})` or `reply({stored})` once. */
  push(send) {
    const { conversationId } = send;
    let queue = this.#queues.get(conversationId);
    if (!queue) {
      queue = { waiting: 0, batcher: new Batcher((sends) => this.#flush(conversationId, sends)) };
      this.#queues.set(conversationId, queue);
    }
    queue.waiting += 1;
    queue.batcher.push(send);
  }

  async idle() {
    while (this.#queues.size > 0) await Promise.all([...this.#queues.values()].map(({ batcher }) => batcher.idle()));
  }

  async #flush(conversationId, sends) {
    const answers = await this.locks
      .holding(conversationId, () => this.#settle(conversationId, sends))
      .catch((error) => {
        console.error(`storing ${sends.length} messages: ${error.message}`);
        return sends.map(() => ({ error: 'Storage unavailable' }));
      });
    for (const [i, { reply }] of sends.entries()) reply(answers[i]);
    const queue = this.#queues.get(conversationId);
    queue.waiting -= sends.length;
    if (queue.waiting === 0) this.#queues.delete(conversationId);
  }

  async #settle(conversationId, sends) {
    const members = await this.store.membersOf(conversationId);
    const allowed = sends.filter(({ senderId }) => members.includes(senderId));
    const stored = allowed.length > 0 ? await this.#store({ _id: conversationId, members }, allowed) : new Map();
    return sends.map((send) => {
      if (!allowed.includes(send)) return { error: 'Not a member' };
      return stored.has(keyOf(send)) ? { stored: stored.get(keyOf(send)) } : { error: 'Try again' };
    });
  }

  /** The stored messages by their keys: those that now are, and those that were there. */
  async #store(conversation, sends) {
    const known = new Map();
    // The same key again within the batch shares the fate of the first.
    let missing = sends.filter((send, i) => sends.findIndex((other) => keyOf(other) === keyOf(send)) === i);
    let base = await this.locks.last(conversation._id);
    for (let i = 0; i < ATTEMPTS; i++) {
      base ??= await this.store.newest(conversation._id);
      const added = await this.store.append(conversation._id, base, missing);
      if (added.length > 0) await this.#added(conversation, added);
      for (const message of added) known.set(keyOf(message), message);
      missing = missing.slice(added.length);
      if (missing.length === 0) break;
      // A key was stored before, or another node was there first.
      for (const message of await this.store.repeated(missing)) known.set(keyOf(message), message);
      missing = missing.filter((send) => !known.has(keyOf(send)));
      if (missing.length === 0) break;
      base = null;
    }
    return known;
  }

  async #added(conversation, messages) {
    const last = messages.at(-1);
    await Promise.all([this.locks.setLast(conversation._id, last.sequenceNumber), this.store.setLast(last)]);
    await this.announce(conversation, messages);
  }
}

/** One text for a sender's key. */
export function keyOf({ senderId, clientMessageId }) {
  return `${senderId} ${clientMessageId}`;
}
