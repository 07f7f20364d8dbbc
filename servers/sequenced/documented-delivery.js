// MODE=as-documented: lock, number, store, deliver, release, the way the document lists it.

import { wireMessage } from './store.js';

const LOCK_MS = 2000;
const TRIES = 100;

export class Delivery {
  /** `emit(socketId, event, payload)` reaches a socket on any node. */
  constructor({ store, redis, emit, lockMs = LOCK_MS }) {
    Object.assign(this, { store, redis, emit, lockMs });
  }

  async send({ conversationId, senderId, message }) {
    const conversation = await this.store.conversation(conversationId);
    if (!conversation) throw new Error('Conversation not found');
    await this.#lock(conversationId);
    try {
      // trap: number-before-store - if the message is not stored, its number belongs to none.
      // trap: counter-forgets - after a restart of Redis the numbers begin at 1 again.
      const sequenceNumber = await this.redis.incr(`seq:${conversationId}`);
      const { stored, isDuplicate } = await this.store.save({ conversationId, senderId, message, sequenceNumber });
      if (!isDuplicate) await this.#deliver(conversation, stored);
      return stored;
    } finally {
      await this.#unlock(conversationId);
    }
  }

  // trap: lock-is-no-queue - who waits tries again after a while of no fixed length: the first to come may be served last.
  // trap: lock-expires - a holder that is slower than the lock lives goes on without it, beside the next one.
  async #lock(conversationId) {
    for (let i = 0; i < TRIES; i++) {
      if (await this.redis.set(`lock:conversation:${conversationId}`, 'locked', 'PX', this.lockMs, 'NX')) return;
      await new Promise((again) => setTimeout(again, 10 + 40 * Math.random()));
    }
    throw new Error('Conversation is busy');
  }

  // trap: foreign-unlock - whose lock it is by now nobody asks.
  async #unlock(conversationId) {
    await this.redis.del(`lock:conversation:${conversationId}`);
  }

  async #deliver(conversation, stored) {
    const payload = wireMessage(stored);
    for (const member of conversation.members) {
      // trap: own-tabs - the sender's other tabs are not told.
      if (member === stored.senderId) continue;
      // trap: sender-only - of a group the sender meets everybody, and the others do not meet each other.
      await this.#addContacts(stored.senderId, member, conversation);
      const session = await this.redis.get(`user:${member}`);
      // trap: pubsub-forgets - if the member's node is not connected to Redis in this moment, the message goes nowhere.
      // trap: ghost-session - a node that was killed has left its sessions behind; what is sent to them is not queued.
      if (session) this.emit(JSON.parse(session).socketId, 'receive_message', payload);
      else await this.redis.rpush(`queue:${member}`, JSON.stringify(payload));
    }
    const { message, senderId, createdAt, sequenceNumber } = payload;
    for (const member of conversation.members) {
      this.emit(member, 'conversation_updated', {
        conversationId: conversation._id,
        lastMessage: { message, sender: senderId, timestamp: createdAt, sequenceNumber },
      });
    }
  }

  async #addContacts(one, other, conversation) {
    for (const [owner, contact] of [[one, other], [other, one]]) {
      // Only two people have a conversation that a contact can lead to.
      const conversationId = conversation.members.length === 2 ? conversation._id : null;
      const isNew = await this.store.addContact(owner, contact, conversationId);
      if (isNew) this.emit(owner, 'contact_added', { contactId: contact, ...(conversationId && { conversationId }) });
    }
  }

  /** A user is there: what waited for them is theirs. */
  async drain(userId, socket) {
    // trap: drain-amid-live - the session is known already, so that live messages come between those of the queue.
    for (let item; (item = await this.redis.lpop(`queue:${userId}`)); ) socket.emit('receive_message', JSON.parse(item));
  }
}
