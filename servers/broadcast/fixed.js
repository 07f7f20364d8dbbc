// MODE=fixed: the same wire, with every promise kept, on several nodes.

import { isId } from '../common/ids.js';
import { promptRedis, spread } from '../common/redis.js';
import { HttpError } from '../common/site.js';
import { isLongerThan, isStorable } from '../common/text.js';
import { Presence } from './fixed-presence.js';
import { FixedStore } from './fixed-store.js';
import { isMeantFor, roomsOf, roomsOfTarget, wireMessage } from './store.js';

const MAX_CONTENT = 10_000;

export async function fixedMode(io, addresses) {
  const store = await new FixedStore(addresses.documents).open();
  const redis = await promptRedis(addresses.redis);
  const adapter = spread(io, addresses.redis);
  const presence = new Presence(redis, tellPartners);
  await presence.open();
  letGoAfterAGap(io, adapter);

  io.on('connection', (socket) => {
    const { userId } = socket.data;
    // What the client asks for is done in the order in which it asks.
    let turn = presence.arrive(socket);
    const on = (event, handle) => {
      socket.on(event, (...args) => {
        const ack = typeof args.at(-1) === 'function' ? args.pop() : () => {};
        turn = turn
          .then(() => handle(...args))
          .then(() => ack({ success: true }), (error) => ack({ success: false, error: error.message }));
      });
    };
    const typing = new Set();
    socket.join(roomsOf(socket.data));

    on('conversation:join', async (conversationId) => {
      const { participants } = await readable(socket.data, conversationId);
      await socket.join(room(conversationId));
      for (const other of await presence.online(participants.filter((each) => each !== userId))) {
        socket.emit('user:online', { userId: other });
      }
    });
    on('conversation:leave', async (conversationId) => {
      if (typing.delete(conversationId)) type('typing:stop', conversationId);
      await socket.leave(room(conversationId));
    });
    on('typing:start', async (data) => {
      const conversationId = joined(data);
      typing.add(conversationId);
      type('typing:start', conversationId);
    });
    on('typing:stop', async (data) => {
      const conversationId = joined(data);
      if (typing.delete(conversationId)) type('typing:stop', conversationId);
    });
    socket.on('disconnect', () => {
      for (const conversationId of typing) type('typing:stop', conversationId);
      turn.then(() => presence.leave(socket));
    });

    function joined(data) {
      const conversationId = data?.conversationId;
      if (!socket.rooms.has(room(conversationId))) throw new Error('Join the conversation first');
      return conversationId;
    }
    function type(event, conversationId) {
      io.to(room(conversationId)).except(`user:${userId}`).emit(event, { conversationId, userId });
    }
  });

  async function tellPartners(userId, event) {
    const others = await store.partnersOf(userId).catch(() => []);
    if (others.length > 0) io.to(others.map((other) => `user:${other}`)).emit(event, { userId });
  }

  /** The conversation, if the caller may read it. A stranger is not to learn which ones there are. */
  async function readable(caller, conversationId) {
    const conversation = isId(conversationId) ? await store.conversation(conversationId) : null;
    if (conversation?.participants.includes(caller.userId) || (conversation && isMeantFor(conversation, caller))) {
      return conversation;
    }
    throw new HttpError(403, 'Not a participant');
  }

  async function readableMessage(caller, messageId) {
    const message = await store.message(messageId);
    if (!message) throw new HttpError(403, 'Not a participant');
    await readable(caller, message.conversation);
    return message;
  }

  return {
    isWell: () => Promise.all([store.ping(), redis.ping()]).then(() => true, () => false),
    isOnline: async (userId) => (await presence.online([userId])).length > 0,
    directConversation: (one, other) => store.directConversation(one, other),
    newConversation: (conversation) => store.newConversation(conversation),
    conversations: (caller) => store.placesOf(caller),

    async send({ userId }, conversationId, { content, media }) {
      if (!isStorable(content) || content.trim() === '' || isLongerThan(content, MAX_CONTENT)) {
        throw new HttpError(400, `content must be a text of 1 to ${MAX_CONTENT} characters`);
      }
      const conversation = await store.conversation(conversationId);
      if (!conversation?.participants.includes(userId)) throw new HttpError(403, 'Not a participant');
      const message = await store.save({ conversation, sender: userId, content, media });
      const wire = wireMessage(message, []);
      const own = `user:${userId}`;
      const notice = { type: 'MESSAGE', data: { messageId: message._id, conversationId } };
      if (conversation.type === 'BROADCAST') {
        io.to([...roomsOfTarget(conversation), own]).emit('broadcast:new', wire);
        io.to(roomsOfTarget(conversation)).except(own).emit('notification:new', notice);
      } else {
        io.to(room(conversationId)).emit('message:new', wire);
        const others = conversation.participants.filter((other) => other !== userId);
        await store.notify(others, message);
        io.to(others.map((other) => `user:${other}`)).emit('notification:new', notice);
      }
      return wire;
    },

    async messages(caller, conversationId, paging) {
      await readable(caller, conversationId);
      return (await store.page(conversationId, caller.userId, paging)).map(({ row, readBy }) => wireMessage(row, readBy));
    },

    async read(caller, messageId) {
      const message = await readableMessage(caller, messageId);
      if (message.sender === caller.userId) return;
      const readAt = await store.markRead(message, caller.userId);
      if (readAt) io.to(`user:${message.sender}`).emit('message:read', { messageId, readBy: { user: caller.userId, readAt } });
    },

    async hide(caller, messageId) {
      await store.hide(await readableMessage(caller, messageId), caller.userId);
    },

    async unread(caller) {
      const places = await store.placesOf(caller);
      const idsOf = (isBroadcast) =>
        places.filter(({ type }) => (type === 'BROADCAST') === isBroadcast).map(({ _id }) => _id);
      const [direct, broadcast] = await Promise.all(
        [idsOf(false), idsOf(true)].map((ids) => store.unreadIn(ids, caller.userId)),
      );
      return { direct, broadcast };
    },

    // An HTTP request is stored and answered in one go, and `close` waits for those under way.
    async drain() {},
    async close() {
      await presence.close();
      redis.disconnect();
      adapter.close();
      await store.close();
    },
  };
}

/**
 * What other nodes said while Redis was away was not heard here. The clients of this node are let go, without a goodbye, so
 * that they come back as after any other loss of their connection, and read what they missed.
 */
function letGoAfterAGap(io, { subscriber }) {
  let gap = false;
  subscriber.on('close', () => (gap = true));
  subscriber.on('ready', () => {
    if (!gap) return;
    gap = false;
    for (const socket of io.of('/').sockets.values()) socket.conn.close();
  });
}

function room(conversationId) {
  return `conversation:${conversationId}`;
}
