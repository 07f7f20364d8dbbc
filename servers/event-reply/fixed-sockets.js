// MODE=fixed: the same wire, with every promise kept.

import { Devices } from '../common/devices.js';
import { isStorable } from '../common/text.js';
import { Writer } from '../common/writer.js';
import { Refusal } from './fixed-store.js';
import { isId } from './id.js';

const MAX_KEY = 200;
const MAX_NAME = 200;
const MAX_GROUP = 1000;
const STRANGER = 'Not a participant in this conversation';

/** Each event's error event; what it asked for comes back with it where there is something to tell requests apart by. */
const ERRORS = {
  getOrCreateDirect: ['conversation:error'],
  createGroup: ['conversation:error'],
  getConversations: ['conversations:error'],
  getMessages: ['messages:error', 'conversationId'],
  sendMessage: ['message:error', 'clientMessageId'],
  'message:delivered': ['message:error', 'messageId'],
  'message:read': ['message:error', 'messageId'],
};

export function fixedMode(io, store, tokens) {
  const devices = new Devices();
  const writer = new Writer({
    store,
    announce: (message) => io.to(String(message.conversationId)).emit('message:new', { success: true, data: message }),
  });
  const underWay = new Set();
  let closing = false;

  // The user's conversations are loaded before the handshake is answered, and the rooms joined in the same turn in
  // which it is. A socket is registered before the query: a conversation created during it is either in its result or
  // handed over by `created`. So there is no moment in which a connected member misses a message.
  io.use(async (socket, next) => {
    const { userId } = socket.data;
    socket.data.conversations = new Set();
    devices.add(socket);
    // A client that goes away within the handshake never gets a `disconnect`.
    socket.conn.once('close', () => devices.remove(socket));
    try {
      store.see(userId);
      for (const id of await store.conversationIdsOf(userId)) socket.data.conversations.add(id);
      next();
    } catch (error) {
      console.error(`handshake: ${error.message}`);
      devices.remove(socket);
      next(new Error('Service unavailable'));
    }
  });

  const handlers = {
    async getOrCreateDirect(socket, { otherUserId }) {
      const { userId } = socket.data;
      if (!isId(otherUserId)) throw new Refusal('otherUserId must be an id');
      if (otherUserId === userId) throw new Refusal('A conversation has two participants');
      await created(socket, await store.findOrCreateDirect(userId, otherUserId));
    },

    async createGroup(socket, { name, participants, avatar }) {
      if (!isStorable(name) || name.length < 1 || name.length > MAX_NAME) throw new Refusal('name must be a short text');
      if (!Array.isArray(participants) || participants.length > MAX_GROUP || !participants.every(isId)) {
        throw new Refusal('participants must be a list of ids');
      }
      const picture = isStorable(avatar) ? avatar : '';
      await created(socket, await store.createGroup(name, participants, socket.data.userId, picture));
    },

    async getConversations(socket) {
      const conversations = await store.withParticipants(await store.conversationsOf(socket.data.userId));
      socket.emit('conversations:list', { success: true, data: conversations });
    },

    async getMessages(socket, { conversationId, since }) {
      if (!isId(conversationId)) throw new Refusal('conversationId must be an id');
      const from = since === undefined || since === null ? null : new Date(since);
      if (from && Number.isNaN(from.getTime())) throw new Refusal('since must be a time');
      const messages = await store.messagesOf(conversationId, socket.data.userId, from);
      if (!messages) throw new Refusal(STRANGER);
      socket.emit('messages:list', { success: true, conversationId, data: messages });
    },
  };
  for (const status of ['delivered', 'read']) {
    handlers[`message:${status}`] = async (socket, { messageId }) => {
      if (!isId(messageId)) throw new Refusal('messageId must be an id');
      const conversationId = await store.mark(messageId, socket.data.userId, status);
      if (conversationId) io.to(conversationId).emit('message:status', { messageId, status });
    };
  }

  io.on('connection', (socket) => {
    socket.join([...socket.data.conversations]);
    socket.data.live = true;
    socket.on('disconnect', () => devices.remove(socket));

    // A message goes to the writer in the same turn in which it came, which keeps all in the order of their arrival.
    on(socket, 'sendMessage', (data) => {
      const wrong = closing ? 'Server is closing' : whatIsWrong(data);
      if (wrong) return refuse(socket, 'sendMessage', data, wrong);
      const { conversationId, clientMessageId, content, attachment } = data;
      writer.push({
        conversationId,
        senderId: socket.data.userId,
        key: clientMessageId,
        content,
        attachment,
        reply({ error, message }) {
          if (error) return refuse(socket, 'sendMessage', data, error === 'Not a participant' ? STRANGER : error);
          socket.emit('message:sent', { success: true, data: message, clientMessageId });
        },
      });
    });

    // All else one after the other, for most of the answers carry nothing that tells them apart.
    let last = Promise.resolve();
    for (const [event, handle] of Object.entries(handlers)) {
      on(socket, event, (data) => {
        const mine = (last = last.then(() => answered(socket, event, data, handle)));
        underWay.add(mine);
        mine.finally(() => underWay.delete(mine));
      });
    }
  });

  /** Every event is accepted from a good token only, and no payload can break the handler. */
  function on(socket, event, handle) {
    socket.on(event, (payload) => {
      const data = payload !== null && typeof payload === 'object' ? payload : {};
      try {
        tokens.userOf(socket.handshake.auth.token || socket.handshake.query.token);
      } catch {
        return refuse(socket, event, data, 'Invalid or expired token');
      }
      handle(data);
    });
  }

  async function answered(socket, event, data, handle) {
    try {
      await handle(socket, data);
    } catch (error) {
      if (!(error instanceof Refusal)) console.error(`${event}: ${error.stack}`);
      refuse(socket, event, data, error instanceof Refusal ? error.message : 'Internal error');
    }
  }

  function refuse(socket, event, data, error) {
    const [name, echo] = ERRORS[event];
    socket.emit(name, { success: false, error, ...(echo && { [echo]: data[echo] }) });
  }

  /** All members who are connected hear the conversation before its maker has the answer. */
  async function created(socket, conversation) {
    const id = String(conversation._id);
    for (const userId of conversation.participants.map(String)) {
      for (const device of devices.of(userId)) {
        device.data.conversations.add(id);
        if (device.data.live) device.join(id);
      }
    }
    const [wire] = await store.withParticipants([conversation]);
    socket.emit('conversation:created', { success: true, data: wire });
  }

  return {
    async drain() {
      closing = true;
      await Promise.all([writer.idle(), ...underWay]);
    },
  };
}

function whatIsWrong({ conversationId, content, attachment, clientMessageId: key }) {
  if (!isId(conversationId)) return 'conversationId must be an id';
  if (!isStorable(key) || key.length < 1 || key.length > MAX_KEY) {
    return `clientMessageId must be a text of 1 to ${MAX_KEY} characters`;
  }
  if (!isStorable(content) || content.length === 0) return 'content must be a text';
  if (attachment !== undefined && attachment !== null && !isStorable(attachment)) return 'attachment must be a text';
  return null;
}
