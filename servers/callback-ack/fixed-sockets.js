// MODE=fixed: the same wire, with every promise kept.

import { Batcher } from '../common/batcher.js';
import { Devices } from '../common/devices.js';
import { Limiter } from '../common/limiter.js';
import { isLongerThan, isStorable } from '../common/text.js';
import { Writer } from '../common/writer.js';
import { isId } from './id.js';

const MAX_TEXT = 1000;
const MAX_KEY = 200;
const STRANGER = 'Not a participant';

export function fixedMode(io, store) {
  const devices = new Devices();
  const writer = new Writer({
    store,
    announce: (message) => io.to(room(message.conversationId)).emit('message:new', message),
    limiter: new Limiter({ limit: 10, windowMs: 1000 }),
  });
  const reads = new Batcher(markRead);
  let closing = false;

  // The user's conversations are loaded before the handshake is answered, and the rooms joined in the same turn in
  // which it is. A socket is registered before the query: a conversation created during it is either in its result or
  // handed over by conversationCreated. So there is no moment in which a connected member misses a message.
  io.use(async (socket, next) => {
    socket.data.conversations = new Set();
    socket.data.announced = new Set();
    socket.data.typing = new Set();
    devices.add(socket);
    // A client that goes away within the handshake never gets a `disconnect`.
    socket.conn.once('close', () => devices.remove(socket));
    try {
      for (const id of await store.conversationIdsOf(socket.data.userId)) socket.data.conversations.add(id);
      next();
    } catch (error) {
      console.error(`handshake: ${error.message}`);
      devices.remove(socket);
      next(new Error('Service unavailable'));
    }
  });

  io.on('connection', (socket) => {
    const { userId, conversations, announced, typing } = socket.data;
    const isFirst = devices.live(userId).length === 0;
    socket.data.live = true;
    socket.join([`user:${userId}`, ...roomsOf(socket)]);
    if (isFirst) toRoomsOf(socket, 'user:online');

    on(socket, 'conversation:join', ([conversationId], reply) => {
      if (!conversations.has(conversationId)) return reply(refusal(STRANGER));
      // The socket is in the room already. The others hear of it once more: some may have come after the connect.
      if (!announced.has(conversationId)) socket.to(room(conversationId)).emit('user:online', userId);
      announced.add(conversationId);
      reply({ success: true });
    });

    // Nothing is awaited before the push, so the queue has a socket's sends in the order they came in.
    on(socket, 'message:send', ([conversationId, data], reply) => {
      const error = closing ? 'Server is closing' : whatIsWrong(conversationId, data);
      if (error) return reply(refusal(error));
      writer.push({
        conversationId,
        senderId: userId,
        key: data.clientMessageId,
        text: sanitised(data.text),
        at: performance.now(),
        reply: ({ error, message }) => reply(error ? refusal(error) : { success: true, messageId: message.id }),
      });
    });

    on(socket, 'typing:start', ([conversationId], reply) => {
      if (!conversations.has(conversationId)) return reply(refusal(STRANGER));
      typing.add(conversationId);
      socket.to(room(conversationId)).emit('typing:start', userId);
      reply({ success: true });
    });

    on(socket, 'typing:stop', ([conversationId], reply) => {
      if (!conversations.has(conversationId)) return reply(refusal(STRANGER));
      typing.delete(conversationId);
      socket.to(room(conversationId)).emit('typing:stop', userId);
      reply({ success: true });
    });

    on(socket, 'message:read', ([messageId], reply) => {
      if (!isId(messageId)) return reply(refusal('messageId must be an integer'));
      reads.push({ messageId, userId, reply });
    });

    socket.on('disconnect', () => {
      socket.data.live = false;
      devices.remove(socket);
      const others = devices.live(userId);
      for (const conversationId of typing) {
        if (others.some((other) => other.data.typing.has(conversationId))) continue;
        socket.to(room(conversationId)).emit('typing:stop', userId);
      }
      if (others.length === 0) toRoomsOf(socket, 'user:offline');
    });
  });

  /** Tells all who share a conversation with the socket's user, each socket once. */
  function toRoomsOf(socket, event) {
    const rooms = roomsOf(socket);
    // Without this, no room at all would mean everybody.
    if (rooms.length > 0) socket.to(rooms).emit(event, socket.data.userId);
  }

  async function markRead(batch) {
    let done;
    try {
      done = await store.markRead(batch);
    } catch (error) {
      console.error(`read receipts: ${error.message}`);
      for (const read of batch) read.reply(refusal('Storage unavailable'));
      return;
    }
    const allowed = new Set();
    for (const { messageId, userId, senderId, readAt } of done) {
      allowed.add(`${messageId} ${userId}`);
      if (readAt) io.to(`user:${senderId}`).emit('message:read', { messageId, readBy: userId, readAt });
    }
    for (const { messageId, userId, reply } of batch) {
      reply(allowed.has(`${messageId} ${userId}`) ? { success: true } : refusal(STRANGER));
    }
  }

  return {
    history: (conversationId, userId, params) => store.history(conversationId, userId, params),

    /** Runs before the creator gets the answer: from then on a message to the conversation reaches all its members. */
    conversationCreated({ id, participants }) {
      for (const userId of participants) {
        for (const socket of devices.of(userId)) {
          socket.data.conversations.add(id);
          if (socket.data.live) socket.join(room(id));
        }
      }
    },

    async drain() {
      closing = true;
      await Promise.all([writer.idle(), reads.idle()]);
    },
  };
}

function room(conversationId) {
  return `conversation:${conversationId}`;
}

function roomsOf(socket) {
  return [...socket.data.conversations].map(room);
}

function refusal(error) {
  return { success: false, error };
}

/** A handler that survives its client: the acknowledgement function may be missing, and any argument may be anything. */
function on(socket, event, handle) {
  socket.on(event, (...args) => {
    const ack = typeof args.at(-1) === 'function' ? args.pop() : () => {};
    try {
      handle(args, ack);
    } catch (error) {
      console.error(`${event}: ${error.stack}`);
      ack(refusal('Internal error'));
    }
  });
}

function whatIsWrong(conversationId, data) {
  if (!isId(conversationId)) return 'conversationId must be an integer';
  if (data === null || typeof data !== 'object') return 'A message must be an object';
  const { text, clientMessageId: key } = data;
  if (!isStorable(key) || key.length < 1 || key.length > MAX_KEY) {
    return `clientMessageId must be a string of 1 to ${MAX_KEY} characters`;
  }
  if (!isStorable(text) || text.length === 0 || isLongerThan(text, MAX_TEXT)) {
    return `text must be a string of 1 to ${MAX_TEXT} characters`;
  }
  return null;
}

/** No tag can begin or end; every other character stays as it was sent. */
function sanitised(text) {
  return text.replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
