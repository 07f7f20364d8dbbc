// MODE=fixed: the same wire, with every promise kept, whichever node is killed and however often Redis forgets.

import { promptRedis, spread } from '../common/redis.js';
import { Sessions } from '../common/sessions.js';
import { isStorable } from '../common/text.js';
import { isId, newId } from '../common/ids.js';
import { HttpError } from '../common/site.js';
import { Feed } from './fixed-feed.js';
import { Locks } from './fixed-lock.js';
import { FixedStore } from './fixed-store.js';
import { Waiting } from './fixed-waiting.js';
import { Writer } from './fixed-writer.js';
import { wireConversation, wireMessage } from './store.js';

const MAX_KEY = 200;
const CATCH_UP_MS = 3000;
const CATCH_UP_WITHOUT_REDIS_MS = 500;
const OTHERS_MS = 1500;

export async function fixedMode(io, addresses) {
  const store = await new FixedStore(addresses.documents).open();
  const redis = await promptRedis(addresses.redis);
  const adapter = spread(io, addresses.redis);
  const sessions = new Sessions(redis);
  await sessions.open().catch(unheard);
  const waiting = new Waiting(redis, sessions);
  const feed = new Feed(store, push);
  const writer = new Writer(store, new Locks(redis), announce);
  const connected = new Set();
  let closing = false;

  // Whoever knows of the socket knows it before the handshake is answered: there is no moment in which a connected
  // member misses a message.
  io.use(async (socket, next) => {
    socket.data.sent = new Set();
    const session = sessions.begin(socket.data.userId, socket.id).catch(unheard);
    // A client that goes away within the handshake never gets a `disconnect`.
    socket.conn.once('close', () => session.then(() => leave(socket)));
    try {
      await session;
      await feed.add(socket, await waiting.take(socket.data.userId).catch(() => new Map()));
      next();
    } catch (error) {
      console.error(`handshake: ${error.message}`);
      next(new Error('Service unavailable'));
    }
  });

  io.on('connection', (socket) => {
    const { userId } = socket.data;
    socket.join(userId);
    feed.begin(socket);
    socket.on('send_message', (...args) => {
      // Who sends nothing is told so, too: then the function is all there is.
      const ack = typeof args.at(-1) === 'function' ? args.pop() : () => {};
      const [data] = args;
      const error = closing ? 'Server is closing' : whatIsWrong(data, userId);
      if (error) return ack({ status: 'error', message: error });
      // Who sends no id of its own cannot repeat itself either.
      const { conversationId, message, clientMessageId = newId() } = data;
      const { sent } = socket.data;
      sent.add(clientMessageId);
      writer.push({
        conversationId,
        senderId: userId,
        message: sanitised(message),
        clientMessageId,
        reply({ error, stored }) {
          if (error) return ack({ status: 'error', message: error });
          ack({ status: 'ok', messageId: stored._id, sequenceNumber: stored.sequenceNumber });
        },
      });
    });
  });

  function leave(socket) {
    feed.remove(socket);
    sessions.end(socket.data.userId, socket.id).catch(unheard);
  }

  // Others hear it, the socket that sent it has its acknowledgement.
  function push(socket, message) {
    const own = message.senderId === socket.data.userId && socket.data.sent.delete(message.clientMessageId);
    if (!own) socket.emit('receive_message', wireMessage(message));
  }

  async function announce(conversation, messages) {
    await makeContacts(conversation, conversation.members.length === 2);
    feed.offer(conversation._id, messages);
    io.serverSideEmit('stored', conversation._id, messages);
    waiting.note(conversation, messages[0]).catch(unheard);
    const { message, senderId: sender, createdAt: timestamp, sequenceNumber } = messages.at(-1);
    io.to(conversation.members).emit('conversation_updated', {
      conversationId: conversation._id,
      lastMessage: { message, sender, timestamp, sequenceNumber },
    });
  }

  /** All members are contacts of each other; those of a pair know their conversation by it. */
  async function makeContacts({ _id, members }, isPair) {
    if (connected.has(_id)) return;
    for (const { owner, contact } of await store.connect(members, isPair ? _id : null)) {
      io.to(owner).emit('contact_added', { contactId: contact, ...(isPair && { conversationId: _id }) });
    }
    connected.add(_id);
  }

  io.on('stored', (conversationId, messages) => feed.offer(conversationId, messages));
  io.on('begun', (conversation, done) => feed.begun(conversation).then(done));

  // What other nodes said while Redis was away was said to nobody. And a node may die between storing and saying.
  let missed = false;
  let lookingUp = null;
  adapter.subscriber.on('close', () => (missed = true));
  adapter.subscriber.on('ready', () => missed && lookUp());
  const slow = setInterval(() => lookUp(), CATCH_UP_MS);
  const fast = setInterval(() => missed && lookUp(), CATCH_UP_WITHOUT_REDIS_MS);
  function lookUp() {
    lookingUp ??= catchUp()
      .catch((error) => console.error(`catching up: ${error.message}`))
      .finally(() => (lookingUp = null));
  }
  async function catchUp() {
    const wasMissed = missed;
    // What is said from here on is heard.
    if (adapter.subscriber.status === 'ready') missed = false;
    if (wasMissed) await feed.findBegun();
    await feed.catchUp();
  }

  async function member(conversationId, userId) {
    // The same answer for a conversation that does not exist: a stranger is not to learn which ones do.
    if (!(await store.membersOf(conversationId)).includes(userId)) throw new HttpError(403, 'Not a member');
  }

  return {
    /** All nodes know the conversation before its creator has the answer; one that does not answer learns of it later. */
    async conversationOf(members) {
      const { made, conversation } = await store.conversationOf(members);
      if (made) {
        if (members.length > 2) await makeContacts(conversation, false);
        await feed.begun({ ...conversation, newest: 0 });
        await within(OTHERS_MS, io.serverSideEmitWithAck('begun', { ...conversation, newest: 0 }));
      }
      return { made, conversation: wireConversation(conversation) };
    },
    async conversations(of, userId) {
      if (of !== userId) throw new HttpError(403, 'Not your conversations');
      return store.conversationsOf(of);
    },
    async contacts(of, userId) {
      if (of !== userId) throw new HttpError(403, 'Not your contacts');
      return store.contactsOf(of);
    },
    async messages(conversationId, userId, after) {
      await member(conversationId, userId);
      return (await store.messagesAfter(conversationId, after)).map(wireMessage);
    },
    async health() {
      const [mongodb, cache] = await Promise.all([within(1000, store.ping()), within(1000, redis.ping())]);
      return {
        status: mongodb && cache ? 200 : 503,
        message: mongodb && cache ? 'ok' : 'unavailable',
        redis: cache ? 'connected' : 'disconnected',
        mongodb: mongodb ? 'connected' : 'disconnected',
      };
    },
    async drain() {
      closing = true;
      await writer.idle();
    },
    async close() {
      clearInterval(slow);
      clearInterval(fast);
      await within(500, sessions.close());
      redis.disconnect();
      adapter.close();
      await store.close();
    },
  };
}

function whatIsWrong(data, userId) {
  if (data === null || typeof data !== 'object') return 'A message must be an object';
  const { conversationId, senderId, message, clientMessageId: key } = data;
  if (!isId(conversationId)) return 'conversationId must be an id';
  if (senderId !== undefined && senderId !== userId) return 'senderId is somebody else';
  if (!isStorable(message) || message.trim() === '') return 'A message needs a text';
  if (key !== undefined && (!isStorable(key) || key.length < 1 || key.length > MAX_KEY)) {
    return `clientMessageId must be a string of 1 to ${MAX_KEY} characters`;
  }
  return null;
}

/** No tag can begin or end; every other character stays as it was sent. */
function sanitised(text) {
  return text.replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** Whether a promise is kept in time. */
async function within(ms, promise) {
  let timer;
  const late = new Promise((resolve) => (timer = setTimeout(resolve, ms, false)));
  const kept = await Promise.race([promise.then(() => true, () => false), late]);
  clearTimeout(timer);
  return kept;
}

// Redis is away: it is only told what the store knows.
function unheard() {}
