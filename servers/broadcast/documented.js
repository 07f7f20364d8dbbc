// MODE=as-documented: the server as the document lists it, with its traps.

import { spread } from '../common/redis.js';
import { HttpError } from '../common/site.js';
import { DocumentedStore } from './documented-store.js';
import { isMeantFor, roomsOf, roomsOfTarget, wireMessage } from './store.js';

const MAX_CONTENT = 10_000;

export async function documentedMode(io, addresses) {
  const store = await new DocumentedStore(addresses.documents).open();
  // trap: adapter-forgets - what another node says while this one is not connected to Redis is lost, and nobody is told.
  spread(io, addresses.redis);
  // trap: local-presence - each node knows its own sockets only; and those of a node that dies are told of by nobody.
  const userSockets = new Map();

  io.on('connection', (socket) => {
    const { userId } = socket.data;
    socket.join(roomsOf(socket.data));
    if (!userSockets.has(userId)) userSockets.set(userId, new Set());
    userSockets.get(userId).add(socket.id);
    if (userSockets.get(userId).size === 1) tellPartners(userId, 'user:online');

    // trap: unchecked-join - anybody may join any conversation and listen.
    // trap: unchecked-typing - anybody may type in any conversation.
    socket.on('conversation:join', (conversationId, ack) => {
      socket.join(`conversation:${conversationId}`);
      if (typeof ack === 'function') ack({ success: true });
    });
    socket.on('conversation:leave', (conversationId) => socket.leave(`conversation:${conversationId}`));
    for (const event of ['typing:start', 'typing:stop']) {
      socket.on(event, (data) => {
        const conversationId = data?.conversationId;
        socket.to(`conversation:${conversationId}`).emit(event, { conversationId, userId });
      });
    }

    // trap: typing-forever - who drops while typing never stops.
    socket.on('disconnect', () => {
      userSockets.get(userId).delete(socket.id);
      if (userSockets.get(userId).size > 0) return;
      userSockets.delete(userId);
      tellPartners(userId, 'user:offline');
    });
  });

  function tellPartners(userId, event) {
    store
      .partnersOf(userId)
      .then((others) => others.length > 0 && io.to(others.map((other) => `user:${other}`)).emit(event, { userId }))
      .catch((error) => console.error(`presence: ${error.message}`));
  }

  async function participant(userId, conversationId) {
    const conversation = await store.conversation(conversationId);
    if (!conversation) throw new HttpError(404, 'Conversation not found');
    if (!conversation.participants.includes(userId)) throw new HttpError(403, 'Not a participant');
    return conversation;
  }

  async function existing(messageId) {
    const message = await store.message(messageId);
    if (!message) throw new HttpError(404, 'Message not found');
    return message;
  }

  return {
    isWell: () => store.ping().then(() => true, () => false),
    isOnline: (userId) => userSockets.has(userId),
    directConversation: (one, other) => store.directConversation(one, other),
    newConversation: (conversation) => store.newConversation(conversation),
    // trap: recipients-are-no-participants - a broadcast lists only its creator: those it is meant for do not find it.
    conversations: ({ userId }) => store.conversationsWith(userId),

    async send({ userId }, conversationId, { content, media }) {
      // trap: utf16-limit - an emoji counts as two.
      if (typeof content !== 'string' || content.trim() === '' || content.length > MAX_CONTENT) {
        throw new HttpError(400, `content must be a text of at most ${MAX_CONTENT} characters`);
      }
      const conversation = await participant(userId, conversationId);
      const message = await store.save({ conversation, sender: userId, content, media });
      const wire = wireMessage(message, []);
      const notice = { type: 'MESSAGE', data: { messageId: message._id, conversationId } };
      if (conversation.type === 'BROADCAST') {
        const rooms = roomsOfTarget(conversation);
        io.to([...rooms, `user:${userId}`]).emit('broadcast:new', wire);
        io.to(rooms).except(`user:${userId}`).emit('notification:new', notice);
      } else {
        io.to(`conversation:${conversationId}`).emit('message:new', wire);
        const others = conversation.participants.filter((other) => other !== userId);
        await store.notify(others, message);
        io.to(others.map((other) => `user:${other}`)).emit('notification:new', notice);
      }
      return wire;
    },

    async messages({ userId }, conversationId, paging) {
      await participant(userId, conversationId);
      return (await store.page(conversationId, userId, paging)).map((row) => wireMessage(row, row.readBy));
    },

    // trap: trusted-read - nobody asks whether the reader is in the conversation.
    async read({ userId }, messageId) {
      const message = await existing(messageId);
      if (message.sender === userId || message.readBy.some(({ user }) => user === userId)) return;
      const readAt = await store.markRead(message, userId);
      io.to(`user:${message.sender}`).emit('message:read', { messageId, readBy: { user: userId, readAt } });
    },

    async hide({ userId }, messageId) {
      await existing(messageId);
      await store.hide(messageId, userId);
    },

    async unread(caller) {
      const broadcasts = new Map((await store.broadcasts()).map((each) => [each._id, each]));
      const unread = await store.unreadBroadcasts(caller.userId);
      const broadcast = unread.filter(({ conversation }) => isMeantFor(broadcasts.get(conversation), caller)).length;
      return { direct: await store.unreadDirect(caller.userId), broadcast };
    },
  };
}
