// MODE=fixed: the indexes and queries that keep the design's promises. Messages come in batches, from the writer.

import { ObjectId } from 'mongodb';
import { keyOf } from '../common/writer.js';
import { Store } from './store.js';

/** What a status can come from: it moves forward only. */
const BEFORE = { delivered: ['sending', 'sent'], read: ['sending', 'sent', 'delivered'] };

const DUPLICATE_KEY = 11000;

export class FixedStore extends Store {
  // What never changes, or only here: who is in a conversation, and the time of its newest message.
  #members = new Map();
  #newest = new Map();

  async createIndexes() {
    // One text says which two people it is; a group has its own id there.
    await this.conversations.createIndex({ pair: 1 }, { unique: true });
    await this.conversations.createIndex({ participants: 1 });
    await this.messages.createIndex({ conversationId: 1, createdAt: 1 });
    // A key belongs to its sender: `key` is both together.
    await this.messages.createIndex({ key: 1 }, { unique: true });
  }

  /**
   * One statement, so that of several at once one makes it and all have it. Who comes second in such a race may be told of
   * the duplicate, or of nothing at all; then what the first one made is there to be found.
   */
  async findOrCreateDirect(userId, otherUserId) {
    const pair = [userId, otherUserId].sort();
    const query = { pair: pair.join(' ') };
    const now = new Date();
    const made = { type: 'direct', participants: pair.map((id) => new ObjectId(id)), createdAt: now, updatedAt: now };
    const found = await this.conversations.findOne(query);
    if (found) return found;
    const upserted = this.conversations.findOneAndUpdate(query, { $setOnInsert: made }, { upsert: true, returnDocument: 'after' });
    const mine = await upserted.catch((error) => {
      if (error.code !== DUPLICATE_KEY) throw error;
    });
    return mine ?? this.conversations.findOne(query);
  }

  async createGroup(name, participants, createdBy, avatar) {
    const everybody = [...new Set([...participants, createdBy])].map((id) => new ObjectId(id));
    const now = new Date();
    const _id = new ObjectId();
    const group = { _id, pair: String(_id), type: 'group', name, participants: everybody };
    const conversation = { ...group, createdBy: new ObjectId(createdBy), avatar, createdAt: now, updatedAt: now };
    await this.conversations.insertOne(conversation);
    return conversation;
  }

  conversationsOf(userId) {
    return this.conversations.find({ participants: new ObjectId(userId) }).sort({ updatedAt: -1 }).toArray();
  }

  /** For each send, in the order given: is the sender a participant, and which message has the key already? */
  async lookUp(sends) {
    await this.#learn(sends.map(({ conversationId }) => conversationId));
    const stored = await this.messages.find({ key: { $in: sends.map(keyOf) } }).toArray();
    const byKey = new Map((await this.#wire(stored)).map((message, i) => [stored[i].key, message]));
    return sends.map((send) => ({
      member: this.#members.get(send.conversationId)?.has(send.senderId) ?? false,
      stored: byKey.get(keyOf(send)) ?? null,
    }));
  }

  /**
   * Stores the sends, and answers the stored messages by key. Times grow by at least a millisecond from message to message
   * of a conversation, also when the clock stands still or is set back, so that a sort by time never meets two alike.
   */
  async insert(sends) {
    const messages = sends.map((send) => {
      const at = Math.max(Date.now(), (this.#newest.get(send.conversationId) ?? 0) + 1);
      this.#newest.set(send.conversationId, at);
      return {
        _id: new ObjectId(),
        conversationId: new ObjectId(send.conversationId),
        senderId: new ObjectId(send.senderId),
        content: send.content,
        ...(send.attachment && { attachment: send.attachment }),
        // Stored is sent: there is no moment in which a crash could leave it at `sending`.
        status: 'sent',
        clientMessageId: send.key,
        key: keyOf(send),
        createdAt: new Date(at),
        updatedAt: new Date(at),
      };
    });
    await this.messages.insertMany(messages);
    await this.#touch(messages);
    const wire = await this.#wire(messages);
    return new Map(messages.map(({ key }, i) => [key, wire[i]]));
  }

  /** The conversation of a message whose status a participant moves forward, or null where nothing moved. */
  async mark(messageId, userId, status) {
    const message = await this.messages.findOne({ _id: new ObjectId(messageId) });
    const conversationId = message && String(message.conversationId);
    if (!message || !(await this.isMember(conversationId, userId))) throw new Refusal('Not a participant in this conversation');
    // One's own message does not arrive, and is not read, by being looked at.
    if (String(message.senderId) === userId) return null;
    const { modifiedCount } = await this.messages.updateOne(
      { _id: message._id, status: { $in: BEFORE[status] } },
      { $set: { status, updatedAt: new Date() } },
    );
    return modifiedCount === 1 ? conversationId : null;
  }

  async isMember(conversationId, userId) {
    await this.#learn([conversationId]);
    return this.#members.get(conversationId)?.has(userId) ?? false;
  }

  async #learn(conversationIds) {
    const unknown = [...new Set(conversationIds)].filter((id) => !this.#members.has(id));
    if (unknown.length === 0) return;
    const found = this.conversations.find({ _id: { $in: unknown.map((id) => new ObjectId(id)) } });
    for (const { _id, participants } of await found.toArray()) {
      const [newest] = await this.messages.find({ conversationId: _id }).sort({ createdAt: -1 }).limit(1).toArray();
      this.#newest.set(String(_id), newest ? newest.createdAt.getTime() : 0);
      this.#members.set(String(_id), new Set(participants.map(String)));
    }
  }

  /** A conversation's last message is only for the list; that it fails does not undo the message. */
  async #touch(messages) {
    const last = new Map(messages.map((message) => [String(message.conversationId), message]));
    const updates = [...last.values()].map(({ conversationId, _id, createdAt }) => ({
      updateOne: { filter: { _id: conversationId }, update: { $set: { lastMessage: _id, updatedAt: createdAt } } },
    }));
    await this.conversations.bulkWrite(updates, { ordered: false }).catch((error) => {
      console.error(`last messages: ${error.message}`);
    });
  }

  async #wire(messages) {
    return (await this.withSenders(messages)).map(({ key, ...message }) => message);
  }
}

/** What the caller is told; every other error is none of theirs. */
export class Refusal extends Error {}
