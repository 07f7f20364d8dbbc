// What both modes keep the same way: the collections, how things go over the wire, and whom a broadcast is meant for.

import { Documents } from '../common/documents.js';

export class Store extends Documents {
  constructor(url, more = []) {
    super(url, ['notifications', ...more]);
  }

  async open() {
    await super.open();
    await this.conversations.createIndex({ participants: 1, lastMessageAt: -1 });
    await this.conversations.createIndex({ type: 1 });
    await this.messages.createIndex({ conversation: 1, createdAt: 1 });
    return this;
  }

  async message(messageId) {
    return this.messages.findOne({ _id: messageId });
  }

  /** The conversations in which a user is a participant. */
  async conversationsWith(userId) {
    return this.conversations.find({ participants: userId }).sort({ _id: 1 }).toArray();
  }

  async broadcasts() {
    return this.conversations.find({ type: 'BROADCAST' }).toArray();
  }

  /** Everybody who shares a conversation with a user. */
  async partnersOf(userId) {
    const all = await this.conversationsWith(userId);
    return [...new Set(all.flatMap(({ participants }) => participants))].filter((other) => other !== userId);
  }

  /** What a user finds who missed the events. */
  async notify(userIds, { _id, conversation }) {
    if (userIds.length === 0) return;
    const createdAt = new Date();
    await this.notifications.insertMany(
      userIds.map((user) => ({ user, type: 'MESSAGE', data: { messageId: _id, conversationId: conversation }, createdAt })),
    );
  }
}

/** Whether a broadcast is meant for whoever has these claims. */
export function isMeantFor({ type, targetType, targetChapterId, recipients }, { userId, chapterId }) {
  if (type !== 'BROADCAST') return false;
  if (targetType === 'CHAPTER') return targetChapterId === chapterId;
  return targetType === 'ALL' || recipients.includes(userId);
}

/** The rooms of those for whom a broadcast is meant, without its creator. */
export function roomsOfTarget({ targetType, targetChapterId, recipients }) {
  if (targetType === 'ALL') return ['broadcast:all'];
  return targetType === 'CHAPTER' ? [`chapter:${targetChapterId}`] : recipients.map((userId) => `user:${userId}`);
}

/** The rooms that a socket is in from the start. */
export function roomsOf({ userId, chapterId }) {
  return [`user:${userId}`, 'broadcast:all', ...(chapterId === undefined ? [] : [`chapter:${chapterId}`])];
}

export function wireMessage({ _id, conversation, sender, content, media, isBroadcast, createdAt }, readBy) {
  const message = { _id, conversation, sender, content, media, createdAt, readBy };
  return isBroadcast ? { ...message, isBroadcast } : message;
}
