// MODE=as-documented: the server as the document lists it, with its traps.

import { patientRedis, spread } from '../common/redis.js';
import { Delivery } from './documented-delivery.js';
import { DocumentedStore } from './documented-store.js';
import { wireConversation, wireMessage } from './store.js';

export async function documentedMode(io, addresses) {
  const store = await new DocumentedStore(addresses.documents).open();
  const redis = patientRedis(addresses.redis);
  const adapter = spread(io, addresses.redis);
  const emit = (room, event, payload) => io.to(room).emit(event, payload);
  const delivery = new Delivery({ store, redis, emit });

  io.on('connection', (socket) => {
    const { userId } = socket.data;
    socket.join(userId);
    arrive(socket).catch((error) => console.error(`session: ${error.message}`));

    socket.on('send_message', async (data, ...rest) => {
      const reply = typeof rest.at(-1) === 'function' ? rest.at(-1) : () => {};
      try {
        if (typeof data?.message !== 'string' || data.message.trim() === '') throw new Error('A message needs a text');
        // trap: trusted-sender - the message is from whomever it says it is from.
        // trap: unchecked-member - anybody may send to any conversation.
        const { _id, sequenceNumber } = await delivery.send(data);
        reply({ status: 'ok', messageId: _id, sequenceNumber });
      } catch (error) {
        reply({ status: 'error', message: error.message });
      }
    });

    // trap: one-session - whichever tab of the user goes, the user counts as gone.
    socket.on('disconnect', () => redis.del(`user:${userId}`).catch(() => {}));
  });

  async function arrive(socket) {
    const { userId } = socket.data;
    // trap: one-session - a user has one socket; a second tab takes the place of the first.
    await redis.set(`user:${userId}`, JSON.stringify({ socketId: socket.id, serverId: process.env.NODE }));
    await delivery.drain(userId, socket);
  }

  return {
    async conversationOf(members) {
      const { made, conversation } = await store.conversationOf(members);
      return { made, conversation: wireConversation(conversation) };
    },
    // trap: trusted-path - whose conversations and contacts these are, nobody asks.
    conversations: (of) => store.conversationsOf(of),
    contacts: (of) => store.contactsOf(of),
    // trap: unchecked-member - and anybody may read any conversation.
    messages: async (of, _, after) => (await store.messagesAfter(of, after)).map(wireMessage),
    // trap: health-always-200 - a load balancer looks at the status, which never changes.
    async health() {
      const mongodb = await store.ping().then(() => 'connected', () => 'disconnected');
      return { status: 200, message: 'ok', redis: redis.status === 'ready' ? 'connected' : 'disconnected', mongodb };
    },
  };
}
