// MODE=as-documented: the queries the way the document has them.

import { newId } from '../common/ids.js';
import { Store } from './store.js';

export class DocumentedStore extends Store {
  async open() {
    await super.open();
    await this.messages.createIndex({ isBroadcast: 1 });
    return this;
  }

  // trap: find-then-create - two who ask at once both find nothing.
  async directConversation(one, other) {
    const found = await this.conversations.findOne({ type: 'DIRECT', participants: { $all: [one, other] } });
    if (found) return { made: false, conversation: found };
    return { made: true, conversation: await this.newConversation({ type: 'DIRECT', participants: [one, other] }) };
  }

  async newConversation(conversation) {
    const row = { _id: newId(), ...conversation, lastMessageAt: new Date() };
    await this.conversations.insertOne(row);
    return row;
  }

  async save({ conversation, sender, content, media }) {
    const createdAt = new Date();
    const row = {
      _id: newId(),
      conversation: conversation._id,
      sender,
      content,
      media,
      isBroadcast: conversation.type === 'BROADCAST',
      isRead: false,
      readBy: [],
      deletedFor: [],
      createdAt,
    };
    await this.messages.insertOne(row);
    await this.conversations.updateOne({ _id: conversation._id }, { $set: { lastMessageAt: createdAt } });
    return row;
  }

  // trap: offset-paging - the newest page comes first, and each new message pushes a row to the next page, where it comes again.
  async page(conversationId, userId, { page, limit }) {
    return this.messages
      .find({ conversation: conversationId, deletedFor: { $ne: userId } })
      .sort({ createdAt: -1 })
      .skip((page - 1) * limit)
      .limit(limit)
      .toArray();
  }

  // trap: read-by-race - the list is read, made longer and written back: of two readers at once one is lost.
  // trap: first-reader-reads-for-all - one flag says that the message was read, whoever did.
  async markRead(message, userId) {
    const readAt = new Date();
    const readBy = [...message.readBy, { user: userId, readAt }];
    await this.messages.updateOne({ _id: message._id }, { $set: { readBy, isRead: true, readAt } });
    return readAt;
  }

  async hide(messageId, userId) {
    await this.messages.updateOne({ _id: messageId }, { $addToSet: { deletedFor: userId } });
  }

  // trap: deleted-counts - what somebody has deleted for themselves is unread for ever.
  async unreadDirect(userId) {
    const ids = (await this.conversationsWith(userId)).map(({ _id }) => _id);
    const unread = { conversation: { $in: ids }, isBroadcast: false, isRead: false, sender: { $ne: userId } };
    return this.messages.countDocuments(unread);
  }

  // All broadcasts that ever were are looked through.
  async unreadBroadcasts(userId) {
    const all = await this.messages.find({ isBroadcast: true, sender: { $ne: userId } }).toArray();
    return all.filter(({ readBy }) => !readBy.some(({ user }) => user === userId));
  }
}
