// MODE=as-documented: the collections and queries the way the document has them.

import { insertOnce } from '../common/documents.js';
import { newId } from '../common/ids.js';
import { Store } from './store.js';

export class DocumentedStore extends Store {
  async open() {
    await super.open();
    await this.messages.createIndex({ conversationId: 1, sequenceNumber: 1 });
    // trap: content-and-time - who says the same thing twice within a second has said it once; and a retry that comes
    // later than that is a new message.
    await this.messages.createIndex({ conversationId: 1, senderId: 1, message: 1, second: 1 }, { unique: true });
    return this;
  }

  // trap: group-for-pair - a conversation with these members is found, whoever else is in it.
  // trap: find-then-create - two who ask at once both find nothing.
  async conversationOf(members) {
    const found = await this.conversations.findOne({ members: { $all: members } });
    if (found) return { made: false, conversation: found };
    const conversation = { _id: newId(), members };
    await this.conversations.insertOne(conversation);
    return { made: true, conversation };
  }

  /** Stores a message; if the index knows it already, answers the one that is stored. */
  async save({ conversationId, senderId, message, sequenceNumber }) {
    const createdAt = new Date();
    const second = Math.floor(createdAt.getTime() / 1000);
    const row = { _id: newId(), conversationId, senderId, message, sequenceNumber, createdAt, updatedAt: createdAt, second };
    if (!(await insertOnce(this.messages, row))) {
      return { stored: await this.messages.findOne({ conversationId, senderId, message, second }), isDuplicate: true };
    }
    await this.setLast(row);
    return { stored: row, isDuplicate: false };
  }

  // trap: check-then-add - two first messages at once both find no contact, and add two.
  async addContact(owner, contact, conversationId) {
    if (await this.contacts.findOne({ owner, contact })) return false;
    await this.contacts.insertOne({ _id: newId(), owner, contact, conversationId });
    return true;
  }
}
