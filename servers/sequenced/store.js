// What both modes keep the same way: the collections, and how a message goes over the wire.

import { Documents } from '../common/documents.js';

export class Store extends Documents {
  constructor(url) {
    super(url, ['contacts']);
  }

  async open() {
    await super.open();
    await this.conversations.createIndex({ members: 1 });
    await this.messages.createIndex({ conversationId: 1, createdAt: 1 });
    return this;
  }

  async conversationsOf(userId) {
    const all = await this.conversations.find({ members: userId }).sort({ _id: 1 }).toArray();
    return all.map(wireConversation);
  }

  async contactsOf(userId) {
    const all = await this.contacts.find({ owner: userId }).sort({ _id: 1 }).toArray();
    return all.map(({ contact, conversationId }) => ({ _id: contact, ...(conversationId && { conversationId }) }));
  }

  /** The messages of a conversation after a number, in order. */
  async messagesAfter(conversationId, sequenceNumber) {
    return this.messages
      .find({ conversationId, sequenceNumber: { $gt: sequenceNumber } })
      .sort({ sequenceNumber: 1 })
      .toArray();
  }

  /** The last message of a conversation as its row in a list shows it. */
  async setLast({ conversationId, message, senderId, createdAt, sequenceNumber }) {
    await this.conversations.updateOne(
      { _id: conversationId },
      { $set: { lastMessage: { message, sender: senderId, timestamp: createdAt, sequenceNumber } } },
    );
  }
}

export function wireConversation({ _id, members, lastMessage }) {
  return { conversationId: _id, members, ...(lastMessage && { lastMessage }) };
}

export function wireMessage({ _id, conversationId, senderId, message, sequenceNumber, createdAt, clientMessageId }) {
  return {
    _id,
    conversationId,
    senderId,
    message,
    sequenceNumber,
    createdAt,
    ...(clientMessageId && { clientMessageId }),
  };
}
