// MODE=fixed: the same wire, with every promise kept. Both channels end in one writer, and the server itself tells everybody.

import { Batcher } from '../common/batcher.js';
import { Devices } from '../common/devices.js';
import { isStorable } from '../common/text.js';
import { Writer } from '../common/writer.js';
import { Refusal } from './api.js';
import { isId } from './id.js';
import { Typing } from './typing.js';

const MAX_KEY = 200;
const DENIED = 'Access denied to chat';

export function fixedMode(io, store) {
  const devices = new Devices();
  const typing = new Typing((chatId, userIds) => io.to(room(chatId)).emit('typing', { chatId, userIds }));
  const writer = new Writer({ store, announce });
  const arrivals = new Batcher(markDelivered);
  let closing = false;

  // The user's chats are loaded before the handshake is answered, and the rooms joined in the same turn in which it is. A
  // socket is registered before the query: a chat created during it is either in its result or handed over by
  // `chatCreated`. So there is no moment in which a connected participant misses a message.
  io.use(async (socket, next) => {
    socket.data.chats = new Set();
    devices.add(socket);
    // A client that goes away within the handshake never gets a `disconnect`.
    socket.conn.once('close', () => devices.remove(socket));
    try {
      for (const id of await store.chatIdsOf(socket.data.userId)) socket.data.chats.add(id);
      next();
    } catch (error) {
      console.error(`handshake: ${error.message}`);
      devices.remove(socket);
      next(new Error('Service unavailable'));
    }
  });

  io.on('connection', (socket) => {
    const { userId, chats } = socket.data;
    socket.data.live = true;
    socket.join([user(userId), ...[...chats].map(room)]);

    /** Every socket event that names a chat checks it first. */
    const onChat = (event, field, handle) => {
      socket.on(event, async (payload) => {
        try {
          const data = payload !== null && typeof payload === 'object' ? payload : {};
          if (!chats.has(data[field])) throw new Refusal(403, DENIED);
          await handle(data);
        } catch (error) {
          if (!(error instanceof Refusal)) console.error(`${event}: ${error.stack}`);
          socket.emit('error', { event, error: error instanceof Refusal ? error.message : 'Internal error' });
        }
      });
    };

    // Being in the room is no matter of asking; the answer to who may not is.
    onChat('join_chat', 'chatId', () => {});
    onChat('typing_start', 'chatId', ({ chatId }) => typing.start(chatId, userId));
    onChat('typing_stop', 'chatId', ({ chatId }) => typing.stop(chatId, userId));
    // The echo is the answer: to a repetition as well, which nobody else hears.
    onChat('send_message', 'chatId', async (data) => {
      const { message, fresh } = await write(userId, data.chatId, data);
      if (!fresh) socket.emit('new_message', message);
    });
    // The server has told everybody when it stored the message; what is left to do is to refuse what is not one's own.
    onChat('message_sent_notification', 'conversationId', async ({ messageId, conversationId }) => {
      const message = isId(messageId) ? await store.message(messageId) : null;
      if (message?.chatId !== conversationId || message.senderId !== userId) throw new Refusal(403, 'No such message');
    });

    socket.on('disconnect', () => {
      socket.data.live = false;
      devices.remove(socket);
      if (devices.live(userId).length === 0) typing.leave(userId);
    });
  });

  function write(userId, chatId, data) {
    return new Promise((resolve, reject) => {
      const { content, messageType = 'text', tempId } = data;
      const wrong = whatIsWrong(content, messageType, tempId);
      if (wrong) return reject(new Refusal(400, wrong));
      if (closing) return reject(new Refusal(503, 'Server is closing'));
      writer.push({
        chatId,
        senderId: userId,
        // A client that names its messages not is a client that never repeats one.
        key: tempId ?? crypto.randomUUID(),
        content,
        messageType,
        reply({ error, message, fresh }) {
          if (!error) return resolve({ message, fresh });
          reject(error === 'Not a participant' ? new Refusal(403, DENIED) : new Refusal(503, error));
        },
      });
    });
  }

  function announce(message) {
    io.to(room(message.chatId)).emit('new_message', message);
    arrivals.push(message);
  }

  /** A message has arrived when somebody else's device was there to take it. */
  async function markDelivered(messages) {
    const arrived = messages.filter(({ chatId, senderId }) =>
      [...(io.sockets.adapter.rooms.get(room(chatId)) ?? [])].some((id) => io.sockets.sockets.get(id)?.data.userId !== senderId),
    );
    if (arrived.length === 0) return;
    try {
      const moved = await store.markDelivered(arrived.map(({ id }) => id));
      for (const { id, chatId } of arrived) {
        if (moved.has(id)) io.to(room(chatId)).emit('message_status', { messageId: id, status: 'delivered' });
      }
    } catch (error) {
      console.error(`delivered: ${error.message}`);
    }
  }

  return {
    post: async (userId, chatId, data) => (await write(userId, chatId, data)).message,

    async read(userId, chatId) {
      await store.requireAccess(chatId, userId);
      // A status that is on its way is told before the one that follows it.
      await arrivals.idle();
      const read = await store.markRead(chatId, userId);
      read.sort((a, b) => a.created_at - b.created_at);
      for (const { id } of read) {
        io.to(room(chatId)).emit('message_read', { chatId, messageId: id, userId });
        io.to(room(chatId)).emit('message_status', { messageId: id, status: 'read' });
      }
    },

    /** Runs before the creator gets the answer: from then on a message to the chat reaches all who are in it. */
    chatCreated({ id, participantIds }) {
      for (const userId of participantIds) {
        for (const socket of devices.of(userId)) {
          socket.data.chats.add(id);
          if (socket.data.live) socket.join(room(id));
        }
      }
    },

    async drain() {
      closing = true;
      await writer.idle();
      await arrivals.idle();
    },
  };
}

function room(chatId) {
  return `chat:${chatId}`;
}

function user(userId) {
  return `user:${userId}`;
}

function whatIsWrong(content, messageType, tempId) {
  if (!isStorable(content) || content.length === 0) return 'content must be a text';
  if (!isStorable(messageType) || messageType.length > 20) return 'messageType must be a short text';
  if (tempId !== undefined && (!isStorable(tempId) || tempId.length < 1 || tempId.length > MAX_KEY)) {
    return `tempId must be a text of 1 to ${MAX_KEY} characters`;
  }
  return null;
}
