// MODE=fixed: who has read or hidden a message stands beside it, a row for each, so that nobody's row is in another's way.

import { insertOnce } from '../common/documents.js';
import { idOfPair, newId } from '../common/ids.js';
import { isMeantFor, Store } from './store.js';

export class FixedStore extends Store {
  constructor(url) {
    super(url, ['reads', 'hidden']);
  }

  async open() {
    await super.open();
    await this.messages.createIndex({ conversation: 1, createdAt: 1, _id: 1 });
    await this.reads.createIndex({ message: 1 });
    for (const collection of [this.reads, this.hidden]) await collection.createIndex({ user: 1, conversation: 1 });
    return this;
  }

  /** The one conversation of two people. */
  async directConversation(one, other) {
    const conversation = { _id: idOfPair(one, other), type: 'DIRECT', participants: [one, other].sort() };
    const made = await insertOnce(this.conversations, { ...conversation, lastMessageAt: new Date() });
    return { made, conversation };
  }

  async newConversation(conversation) {
    const row = { _id: newId(), ...conversation, lastMessageAt: new Date() };
    await this.conversations.insertOne(row);
    return row;
  }

  /** All that a user may read: what they take part in, and the broadcasts that are meant for them. */
  async placesOf(caller) {
    const [mine, broadcasts] = await Promise.all([this.conversationsWith(caller.userId), this.broadcasts()]);
    const isNew = ({ participants }) => !participants.includes(caller.userId);
    return [...mine, ...broadcasts.filter((each) => isNew(each) && isMeantFor(each, caller))];
  }

  async save({ conversation, sender, content, media }) {
    const createdAt = new Date();
    const isBroadcast = conversation.type === 'BROADCAST';
    const row = { _id: newId(), conversation: conversation._id, sender, content, media, isBroadcast, createdAt };
    await this.messages.insertOne(row);
    await this.conversations.updateOne({ _id: conversation._id }, { $set: { lastMessageAt: createdAt } });
    return row;
  }

  /** A page, oldest first: what is new comes behind it. Each row has its readers. */
  async page(conversationId, userId, { page, limit }) {
    const hidden = await this.hidden.find({ user: userId, conversation: conversationId }).toArray();
    const rows = await this.messages
      .find({ conversation: conversationId, ...(hidden.length > 0 && { _id: { $nin: hidden.map(({ message }) => message) } }) })
      .sort({ createdAt: 1, _id: 1 })
      .skip((page - 1) * limit)
      .limit(limit)
      .toArray();
    const reads = await this.reads.find({ message: { $in: rows.map(({ _id }) => _id) } }).toArray();
    return rows.map((row) => ({
      row,
      readBy: reads.filter(({ message }) => message === row._id).map(({ user, readAt }) => ({ user, readAt })),
    }));
  }

  /** Notes a reader; answers when it was, or null if it was known. */
  async markRead({ _id, conversation }, userId) {
    const readAt = new Date();
    return (await insertOnce(this.reads, { ...rowOf(_id, userId), conversation, readAt })) ? readAt : null;
  }

  async hide({ _id, conversation }, userId) {
    await insertOnce(this.hidden, { ...rowOf(_id, userId), conversation });
  }

  /** Counted anew each time: a number that is kept beside what it counts drifts away from it. */
  async unreadIn(conversationIds, userId) {
    if (conversationIds.length === 0) return 0;
    const among = { $in: conversationIds };
    const [messages, reads, hidden] = await Promise.all([
      this.messages.find({ conversation: among, sender: { $ne: userId } }, { projection: { _id: 1 } }).toArray(),
      this.reads.find({ user: userId, conversation: among }, { projection: { message: 1 } }).toArray(),
      this.hidden.find({ user: userId, conversation: among }, { projection: { message: 1 } }).toArray(),
    ]);
    const settled = new Set([...reads, ...hidden].map(({ message }) => message));
    return messages.filter(({ _id }) => !settled.has(_id)).length;
  }
}

/** One row for each message and user, whoever writes it first. */
function rowOf(message, user) {
  return { _id: `${message} ${user}`, message, user };
}
