// What both modes keep the same way: the connection, the users, and how documents look on the wire.

import { MongoClient, ObjectId } from 'mongodb';
import { Batcher } from '../common/batcher.js';

export class Store {
  // Nothing about a user ever changes here.
  #seen = new Map();
  #newcomers = new Batcher((users) => this.#write(users));

  constructor(client) {
    const db = client.db();
    this.client = client;
    this.users = db.collection('users');
    this.conversations = db.collection('conversations');
    this.messages = db.collection('messages');
  }

  static async open(url) {
    const client = new MongoClient(url, { serverSelectionTimeoutMS: 5000, maxPoolSize: 20 });
    const store = new this(await client.connect());
    await store.createIndexes();
    return store;
  }

  async close() {
    await this.#newcomers.idle();
    await this.client.close();
  }

  /** A user is known from the first token on; the token is all that is known, and nobody waits for it to be written down. */
  see(userId) {
    if (this.#seen.has(userId)) return;
    const user = { _id: new ObjectId(userId), name: userId, avatar: '', email: `${userId}@chat` };
    this.#seen.set(userId, user);
    this.#newcomers.push(user);
  }

  /** The users with these ids, by id; of one who was never seen there is the id alone. */
  async details(ids) {
    const wanted = [...new Set(ids.map(String))];
    const unknown = wanted.filter((id) => !this.#seen.has(id)).map((id) => new ObjectId(id));
    if (unknown.length > 0) {
      for (const user of await this.users.find({ _id: { $in: unknown } }).toArray()) this.#seen.set(String(user._id), user);
    }
    return new Map(wanted.map((id) => [id, this.#seen.get(id) ?? { _id: id, name: '', avatar: '', email: '' }]));
  }

  async conversationIdsOf(userId) {
    const found = this.conversations.find({ participants: new ObjectId(userId) }, { projection: { _id: 1 } });
    return (await found.toArray()).map(({ _id }) => String(_id));
  }

  /**
   * A conversation's messages, oldest first, or null for who is no participant. The document names no request for them, so
   * both modes have it the same way. `since` is inclusive: the client merges by id, and misses nothing of that millisecond.
   */
  async messagesOf(conversationId, userId, since) {
    const conversation = { _id: new ObjectId(conversationId), participants: new ObjectId(userId) };
    if (!(await this.conversations.findOne(conversation))) return null;
    const query = { conversationId: conversation._id, ...(since && { createdAt: { $gte: since } }) };
    const messages = await this.messages.find(query).sort({ createdAt: 1, _id: 1 }).toArray();
    return (await this.withSenders(messages)).map(({ key, ...message }) => message);
  }

  async #write(users) {
    const upserts = users.map((user) => ({ replaceOne: { filter: { _id: user._id }, replacement: user, upsert: true } }));
    await this.users.bulkWrite(upserts, { ordered: false }).catch((error) => console.error(`users: ${error.message}`));
  }

  /** Conversations as they go over the wire: the participants' details stand where their ids were stored. */
  async withParticipants(conversations) {
    const details = await this.details(conversations.flatMap(({ participants }) => participants));
    return conversations.map(({ pair, ...conversation }) => ({
      ...conversation,
      participants: conversation.participants.map((id) => details.get(String(id))),
    }));
  }

  /** Messages as they go over the wire: the sender's details stand where its id was stored. */
  async withSenders(messages) {
    const details = await this.details(messages.map(({ senderId }) => senderId));
    return messages.map((message) => ({ ...message, senderId: details.get(String(message.senderId)) }));
  }
}
