// MODE=fixed: what Redis may forget, the store knows. Its unique indexes have the last word on numbers and repetitions.

import { DUPLICATE, insertOnce } from '../common/documents.js';
import { idOfPair, newId } from '../common/ids.js';
import { Store } from './store.js';

const MAX_KNOWN = 10_000;

export class FixedStore extends Store {
  #members = new Map();

  async open() {
    await super.open();
    await this.contacts.createIndex({ owner: 1 });
    await this.messages.createIndex({ conversationId: 1, sequenceNumber: 1 }, { unique: true });
    await this.messages.createIndex({ clientMessageId: 1, senderId: 1 }, { unique: true });
    return this;
  }

  /** The one conversation of two people, or a new one of several. */
  async conversationOf(members) {
    const _id = members.length === 2 ? idOfPair(...members) : newId();
    const made = await insertOnce(this.conversations, { _id, members, newest: 0 });
    return { made, conversation: { _id, members } };
  }

  /** Who is in a conversation: nobody, if there is none. It never changes, so it is asked for once. */
  async membersOf(conversationId) {
    const known = this.#members.get(conversationId);
    if (known) return known;
    const { members } = (await this.conversation(conversationId)) ?? {};
    if (!members) return [];
    if (this.#members.size >= MAX_KNOWN) this.#members.clear();
    this.#members.set(conversationId, members);
    return members;
  }

  /** Those of the sends that are stored already, as messages. */
  async repeated(sends) {
    const clientMessageId = { $in: sends.map((send) => send.clientMessageId) };
    const senderId = { $in: [...new Set(sends.map((send) => send.senderId))] };
    return this.messages.find({ clientMessageId, senderId }).toArray();
  }

  /** The highest number of a conversation, 0 if there is none. */
  async newest(conversationId) {
    const [message] = await this.messages.find({ conversationId }).sort({ sequenceNumber: -1 }).limit(1).toArray();
    return message?.sequenceNumber ?? 0;
  }

  /**
   * Stores sends with the numbers after `base`, which must be a number that is stored already, or 0. Answers the stored
   * messages, a beginning of what was asked for: all of it, unless somebody else has taken a number or stored a key.
   */
  async append(conversationId, base, sends) {
    const createdAt = new Date();
    const rows = sends.map(({ senderId, message, clientMessageId }, i) => ({
      _id: newId(),
      conversationId,
      senderId,
      message,
      clientMessageId,
      sequenceNumber: base + 1 + i,
      createdAt,
      updatedAt: createdAt,
    }));
    try {
      await this.messages.insertMany(rows, { ordered: true });
      return rows;
    } catch (error) {
      if (error.code !== DUPLICATE) throw error;
      return rows.slice(0, error.result.insertedCount);
    }
  }

  /** Makes contacts of all these people; answers the new ones as `{owner, contact}`. */
  async connect(people, conversationId) {
    const pairs = people.flatMap((owner) => people.filter((other) => other !== owner).map((contact) => ({ owner, contact })));
    const writes = pairs.map(({ owner, contact }) => ({
      updateOne: {
        // One document for each owner and contact, whoever adds it first: its id says whose it is.
        filter: { _id: `${owner} ${contact}` },
        update: { $setOnInsert: { owner, contact }, ...(conversationId && { $set: { conversationId } }) },
        upsert: true,
      },
    }));
    const { upsertedIds } = await this.contacts.bulkWrite(writes, { ordered: false }).catch((error) => {
      // Of two nodes that add a contact at once one may be told that it is there.
      if (error.code !== DUPLICATE) throw error;
      return error.result;
    });
    return Object.keys(upsertedIds).map((i) => pairs[i]);
  }

  /** Of each conversation of a user: its members, and the number of its newest message. */
  async overviewOf(userId) {
    return this.#overview({ members: userId });
  }

  /** The same of these conversations. */
  async overview(conversationIds) {
    return this.#overview({ _id: { $in: conversationIds } });
  }

  #overview(which) {
    return this.conversations.find(which, { projection: { members: 1, newest: 1 } }).toArray();
  }

  /** Never back: of two writers the slower one has the older message. */
  async setLast({ conversationId, message, senderId, createdAt, sequenceNumber }) {
    const lastMessage = { message, sender: senderId, timestamp: createdAt, sequenceNumber };
    await this.conversations.updateOne(
      { _id: conversationId, newest: { $lt: sequenceNumber } },
      { $set: { newest: sequenceNumber, lastMessage } },
    );
  }
}
