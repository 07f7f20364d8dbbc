// MODE=as-documented: does what the design's listings do, and so breaks what the design promises. Every place where it
// does is marked `trap:` with the name the README lists it under. Nothing here is to be repaired.

import { Refusal } from './api.js';
import { Typing } from './typing.js';

export function documentedMode(io, store) {
  const typing = new Typing((chatId, userIds) => io.to(room(chatId)).emit('typing', { chatId, userIds }));
  // trap: memory-queue - what waits for who is offline waits in memory, under the message's id alone: a restart forgets it,
  // and of two who are offline the first one to come takes it from the other.
  const pending = new Map();

  async function queueForOffline(message) {
    for (const userId of await store.participantsOf(message.chatId)) {
      if (io.sockets.adapter.rooms.has(user(userId))) continue;
      pending.set(message.id, { message, status: 'pending', attempts: 0, lastAttempt: new Date() });
    }
  }

  io.on('connection', async (socket) => {
    const { userId } = socket.data;
    socket.join(user(userId));

    // trap: unchecked-socket - who has a token may join, send and type anywhere.
    on(socket, 'join_chat', async ({ chatId }) => {
      socket.join(room(chatId));
    });

    // trap: dual-channel - what came over HTTP already is stored once more: a message sent on both channels is two.
    on(socket, 'send_message', async ({ chatId, content, messageType = 'text' }) => {
      const message = await store.addMessage(chatId, userId, content, messageType);
      io.to(room(chatId)).emit('new_message', message);
      await queueForOffline(message);
    });

    // trap: foreign-announcement - whoever knows an id, or guesses one, has any message of any chat told to any chat.
    on(socket, 'message_sent_notification', async ({ messageId, conversationId }) => {
      const message = await store.message(messageId);
      if (!message) throw new Error('No such message');
      io.to(room(conversationId)).emit('new_message', message);
    });

    on(socket, 'typing_start', async ({ chatId }) => typing.start(chatId, userId));
    on(socket, 'typing_stop', async ({ chatId }) => typing.stop(chatId, userId));
    socket.on('disconnect', () => typing.leave(userId));

    const mine = new Set(await store.chatIdsOf(userId));
    for (const [id, { message }] of pending) {
      if (!mine.has(message.chatId)) continue;
      socket.emit('new_message', message);
      pending.delete(id);
    }
  });

  return {
    // trap: post-not-idempotent - nothing tells a request that is sent again, after its answer was lost, from a new one.
    // trap: client-announces - nobody is told here: that is left to the sender's client, which may have no connection.
    async post(userId, chatId, { content, messageType = 'text' }) {
      if (!(await store.isParticipant(chatId, userId))) throw new Refusal(403, 'Access denied to chat');
      // trap: unchecked-content - whatever becomes a text in the database is one.
      const message = await store.addMessage(chatId, userId, content, messageType);
      await queueForOffline(message);
      return message;
    },

    // trap: read-on-one-device - the reader's other devices are not told.
    async read(userId, chatId) {
      if (!(await store.isParticipant(chatId, userId))) throw new Refusal(403, 'Access denied to chat');
      for (const { id } of await store.markRead(chatId, userId)) {
        io.to(room(chatId)).except(user(userId)).emit('message_read', { chatId, messageId: id, userId });
        io.to(room(chatId)).emit('message_status', { messageId: id, status: 'read' });
      }
    },

    chatCreated() {},
  };
}

function room(chatId) {
  return `chat:${chatId}`;
}

function user(userId) {
  return `user:${userId}`;
}

function on(socket, event, handle) {
  socket.on(event, async (data) => {
    try {
      await handle(data);
    } catch (error) {
      socket.emit('error', { event, error: error.message });
    }
  });
}
