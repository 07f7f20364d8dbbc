// MODE=as-documented: the indexes and queries the way the design has them.

import { ObjectId } from 'mongodb';
import { Store } from './store.js';

export class DocumentedStore extends Store {
  async createIndexes() {
    // trap: multikey-unique - an index over an array has an entry for each element: a user's second direct conversation,
    // and a second group with anybody who is in a group already, are duplicates to it.
    await this.conversations.createIndex({ type: 1, participants: 1 }, { unique: true });
    await this.conversations.createIndex({ participants: 1 });
    await this.conversations.createIndex({ updatedAt: -1 });
    await this.messages.createIndex({ conversationId: 1, createdAt: -1 });
    // trap: global-key - the key a client made up is unique over all users: a key that anybody has used is refused.
    await this.messages.createIndex({ clientMessageId: 1 }, { unique: true });
  }

  // trap: find-then-create - two calls can both find nothing; the second one then breaks the unique index, and its caller
  // is told of an internal error about a conversation that is there.
  // trap: with-oneself - nothing keeps the two ids apart.
  async findOrCreateDirect(userId, otherUserId) {
    const [a, b] = [new ObjectId(userId), new ObjectId(otherUserId)].sort((x, y) => (String(x) < String(y) ? -1 : 1));
    const query = { type: 'direct', participants: { $all: [a, b], $size: 2 } };
    let conversation = await this.conversations.findOne(query);
    if (!conversation) conversation = await this.#create({ type: 'direct', participants: [a, b] });
    return (await this.withParticipants([conversation]))[0];
  }

  async createGroup(name, participants, createdBy, avatar) {
    const everybody = participants.includes(createdBy) ? participants : [...participants, createdBy];
    const conversation = await this.#create({
      type: 'group',
      name,
      participants: everybody.map((id) => new ObjectId(id)),
      createdBy: new ObjectId(createdBy),
      avatar: avatar || '',
    });
    return (await this.withParticipants([conversation]))[0];
  }

  async conversationsOf(userId) {
    const found = await this.conversations.find({ participants: new ObjectId(userId) }).sort({ updatedAt: -1 }).toArray();
    return this.withParticipants(found);
  }

  async sendMessage(conversationId, senderId, content, clientMessageId, attachment) {
    const conversation = await this.conversations.findOne({ _id: new ObjectId(conversationId) });
    // trap: refusals-differ - a stranger learns which ids are conversations.
    if (!conversation) throw new Error('Conversation not found');
    if (!conversation.participants.some((id) => String(id) === senderId)) {
      throw new Error('Not a participant in this conversation');
    }
    // trap: key-refused - a repetition is not looked up: it breaks the unique index, and comes back as an error although
    // the message is stored.
    // trap: never-sent - the status is stored as `sending`, and no listing ever stores `sent`.
    // trap: unchecked-content - whatever the client sends is stored, of any type.
    const now = new Date();
    const message = {
      _id: new ObjectId(),
      conversationId: conversation._id,
      senderId: new ObjectId(senderId),
      content,
      ...(attachment && { attachment }),
      status: 'sending',
      clientMessageId,
      createdAt: now,
      updatedAt: now,
    };
    await this.messages.insertOne(message);
    await this.conversations.updateOne({ _id: conversation._id }, { $set: { lastMessage: message._id, updatedAt: now } });
    return (await this.withSenders([message]))[0];
  }

  // trap: status-goes-back - whatever the status was, it becomes what was said last.
  // trap: unchecked-status - who says so is not looked at.
  async mark(messageId, status) {
    await this.messages.updateOne({ _id: new ObjectId(messageId) }, { $set: { status, updatedAt: new Date() } });
  }

  async #create(fields) {
    const now = new Date();
    const conversation = { _id: new ObjectId(), ...fields, createdAt: now, updatedAt: now };
    await this.conversations.insertOne(conversation);
    return conversation;
  }
}
