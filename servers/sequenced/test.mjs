// Runs `start` as anybody else would, with two nodes, and talks to both over the wire with the official client. What no wire
// can be made to show at will, a holder of a lock that is slow, is shown with stand-ins.
// Nothing here sleeps to be in step: every wait is for something that happens.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { Server, close, inBothModes, newUser, texts, tokenOf } from '../common/testing.js';
import { Delivery } from './documented-delivery.js';

class Chat extends Server {
  async converse(...members) {
    const { status, conversationId } = await this.call(members[0], 'POST', '/api/conversations', { members });
    assert.ok(status === 200 || status === 201);
    return conversationId;
  }

  /** The list at a path, as a user sees it on a node. */
  async list(userId, route, node = 1) {
    const response = await fetch(`${this.urls[node - 1]}/api${route}`, {
      headers: { authorization: `Bearer ${tokenOf(userId)}` },
    });
    assert.equal(response.status, 200);
    return response.json();
  }

  async numbers(userId, conversationId) {
    return (await this.list(userId, `/messages/${conversationId}`)).map((message) => message.sequenceNumber);
  }
}

function send(client, conversationId, message, clientMessageId = crypto.randomUUID()) {
  return client.call('send_message', { conversationId, message, clientMessageId, senderId: client.userId });
}

/** Connected clients, one for each `[userId, node]`. */
function connect(server, ...who) {
  return Promise.all(who.map(async ([userId, node]) => Object.assign(await server.connect(userId, node), { userId })));
}

const oneTo = (count) => Array.from({ length: count }, (_, i) => i + 1);
const of = (messages, field) => messages.map((message) => message[field]);

const { servers, start } = inBothModes(Chat, import.meta.dirname);

for (const mode of ['fixed', 'as-documented']) {
  describe(`${mode}: the wire`, () => {
    let server;
    before(() => (server = servers[mode]));

    test('the gate', async () => {
      assert.equal(await server.refusal({}), 'Authentication token required');
      assert.equal(await server.refusal({ auth: { token: 'nonsense' } }), 'Invalid or expired token');
      assert.equal((await fetch(`${server.url}/api/contacts/${newUser()}`)).status, 401);
      const health = await fetch(`${server.url}/health`);
      assert.deepEqual([health.status, await health.json()], [200, { message: 'ok', redis: 'connected', mongodb: 'connected' }]);
    });

    test('a message from one node to the other, and into lists and contacts', async () => {
      const [ann, bob] = [newUser(), newUser()];
      const [a, b] = await connect(server, [ann, 1], [bob, 2]);
      const id = await server.converse(ann, bob);
      const ack = await send(a, id, 'good day', 'key-1');
      const [pushed] = await b.several('receive_message', 1);
      assert.deepEqual(ack, { status: 'ok', messageId: pushed._id, sequenceNumber: 1 });
      assert.match(pushed.createdAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      const { _id, createdAt, clientMessageId, ...rest } = pushed;
      assert.deepEqual(rest, { conversationId: id, senderId: ann, message: 'good day', sequenceNumber: 1 });
      const lastMessage = { message: 'good day', sender: ann, timestamp: createdAt, sequenceNumber: 1 };
      assert.deepEqual(await b.several('conversation_updated', 1), [{ conversationId: id, lastMessage }]);
      assert.deepEqual(await b.several('contact_added', 1), [{ contactId: ann, conversationId: id }]);
      assert.deepEqual(await server.list(bob, `/messages/${id}`, 2), [pushed]);
      assert.deepEqual(await server.list(bob, `/messages/${id}?after=1`), []);
      assert.deepEqual(await server.list(bob, `/contacts/${bob}`), [{ _id: ann, conversationId: id }]);
      assert.deepEqual(await server.list(ann, `/conversations/${ann}`), [{ conversationId: id, members: [ann, bob], lastMessage }]);
      assert.deepEqual(a.got('receive_message'), []);
      close(a, b);
    });
  });
}

describe('fixed: the promises', () => {
  let server;
  before(() => (server = servers.fixed));

  test('bursts on both nodes have one order, which nobody hears otherwise', async () => {
    const users = Array.from({ length: 4 }, newUser);
    const clients = await connect(server, ...users.map((user, i) => [user, 1 + (i % 2)]));
    const id = await server.converse(...users);
    const acks = await Promise.all(clients.flatMap((client) => texts(10).map((text) => send(client, id, text))));
    assert.deepEqual(of(acks, 'sequenceNumber').sort((a, b) => a - b), oneTo(40));
    for (const user of users) {
      const mine = (await server.list(user, `/messages/${id}`)).filter(({ senderId }) => senderId === user);
      assert.deepEqual(of(mine, 'message'), texts(10));
    }
    for (const client of clients) {
      const heard = of(await client.several('receive_message', 30), 'sequenceNumber');
      assert.deepEqual(heard, [...heard].sort((a, b) => a - b));
    }
    close(...clients);
  });

  test('a key is one message, on one node, on both, and later; equal texts are two', async () => {
    const [ann, bob] = [newUser(), newUser()];
    const [tab, other, b] = await connect(server, [ann, 1], [ann, 2], [bob, 2]);
    const id = await server.converse(ann, bob);
    const acks = await Promise.all([send(tab, id, 'once', 'k'), send(tab, id, 'once', 'k'), send(other, id, 'once', 'k')]);
    assert.deepEqual(acks, [acks[0], acks[0], acks[0]]);
    assert.equal(acks[0].status, 'ok');
    await send(tab, id, 'again');
    await send(tab, id, 'again');
    assert.deepEqual(await send(other, id, 'once', 'k'), acks[0]);
    assert.deepEqual(of(await b.several('receive_message', 3), 'message'), ['once', 'again', 'again']);
    assert.deepEqual(await server.numbers(bob, id), [1, 2, 3]);
    close(tab, other, b);
  });

  test('what waited comes first, in order and once, amid live messages', async () => {
    const [ann, bob] = [newUser(), newUser()];
    const id = await server.converse(ann, bob);
    const [a] = await connect(server, [ann, 1]);
    for (const text of texts(20)) await send(a, id, text);
    const live = Promise.all(texts(20).map((text) => send(a, id, `live ${text}`)));
    const [b] = await connect(server, [bob, 2]);
    await live;
    assert.deepEqual(of(await b.several('receive_message', 40), 'sequenceNumber'), oneTo(40));
    close(a, b);
  });

  test('each tab of a user hears everything, but what it sent itself', async () => {
    const [ann, bob] = [newUser(), newUser()];
    const [one, two, b] = await connect(server, [bob, 1], [bob, 2], [ann, 1]);
    const id = await server.converse(ann, bob);
    await send(b, id, 'to both');
    await send(one, id, 'from one');
    assert.deepEqual(of(await two.several('receive_message', 2), 'message'), ['to both', 'from one']);
    two.close();
    await send(b, id, 'to the other');
    assert.deepEqual(of(await one.several('receive_message', 2), 'message'), ['to both', 'to the other']);
    close(one, b);
  });

  test('a pair has one conversation and one contact each, however many ask at once', async () => {
    const [ann, bob, cat] = [newUser(), newUser(), newUser()];
    await server.converse(ann, bob, cat);
    const ids = await Promise.all([[ann, bob], [bob, ann], [ann, bob], [bob, ann]].map((who) => server.converse(...who)));
    assert.equal(new Set(ids).size, 1);
    const [a, b] = await connect(server, [ann, 1], [bob, 2]);
    await Promise.all([send(a, ids[0], 'x'), send(b, ids[0], 'y')]);
    const contacts = await server.list(ann, `/contacts/${ann}`);
    assert.deepEqual(contacts.sort((x, y) => (x._id < y._id ? -1 : 1)), [{ _id: bob, conversationId: ids[0] }, { _id: cat }]);
    assert.equal((await server.call(ann, 'POST', '/api/conversations', { members: [ann] })).status, 400);
    close(a, b);
  });

  test('a stranger neither sends nor reads, and nobody speaks for another', async () => {
    const [ann, bob, eve] = [newUser(), newUser(), newUser()];
    const id = await server.converse(ann, bob);
    const [e, b] = await connect(server, [eve, 1], [bob, 2]);
    assert.deepEqual(await send(e, id, 'let me in'), { status: 'error', message: 'Not a member' });
    const forged = { conversationId: id, senderId: ann, message: 'x' };
    assert.equal((await b.call('send_message', forged)).status, 'error');
    const blank = { conversationId: id, message: ' ' };
    const operator = { conversationId: { $ne: 0 }, message: 'x' };
    for (const data of [undefined, null, 'x', {}, { conversationId: id }, blank, operator]) {
      assert.equal((await e.call('send_message', data)).status, 'error');
    }
    assert.equal((await e.call('send_message')).status, 'error');
    e.emit('send_message');
    for (const route of [`/messages/${id}`, `/contacts/${ann}`, `/conversations/${ann}`]) {
      assert.equal((await server.call(eve, 'GET', `/api${route}`)).status, 403);
    }
    assert.deepEqual(await server.numbers(ann, id), []);
    close(e, b);
  });
});

describe('fixed: parts that fail', () => {
  let server;
  before(() => (server = servers.fixed));

  test('a node is killed: the other goes on, and who comes back there misses nothing', async () => {
    const [ann, bob] = [newUser(), newUser()];
    const [a, b] = await connect(server, [ann, 1], [bob, 2]);
    const id = await server.converse(ann, bob);
    await send(a, id, 'before');
    await b.several('receive_message', 1);
    await server.control('kill node 2');
    await b.ended();
    assert.equal((await send(a, id, 'meanwhile')).sequenceNumber, 2);
    const [moved] = await connect(server, [bob, 1]);
    assert.deepEqual(of(await server.list(bob, `/messages/${id}?after=1`), 'message'), ['meanwhile']);
    await server.control('start node 2');
    const [again] = await connect(server, [bob, 2]);
    assert.equal((await send(a, id, 'after')).sequenceNumber, 3);
    await again.pushed('receive_message', ({ message }) => message === 'after');
    close(a, moved, again);
  });

  test('Redis is stopped and comes back without memory: numbers go on, and what was said is heard on both nodes', async () => {
    const [ann, bob] = [newUser(), newUser()];
    const [a, b] = await connect(server, [ann, 1], [bob, 2]);
    const id = await server.converse(ann, bob);
    for (const text of ['1', '2']) await send(a, id, text);
    await server.control('stop redis');
    const health = await fetch(`${server.url}/health`);
    assert.deepEqual([health.status, (await health.json()).redis], [503, 'disconnected']);
    for (const client of [a, b, a]) assert.equal((await send(client, id, 'without')).status, 'ok');
    await server.control('start redis');
    for (const client of [b, a]) assert.equal((await send(client, id, 'with')).status, 'ok');
    assert.deepEqual(of(await b.several('receive_message', 5), 'sequenceNumber'), [1, 2, 3, 5, 7]);
    assert.deepEqual(of(await a.several('receive_message', 2), 'sequenceNumber'), [4, 6]);
    assert.deepEqual(await server.numbers(ann, id), oneTo(7));
    close(a, b);
  });

  test('the store is stopped and comes back: health says so, and numbers go on', async () => {
    const [ann, bob] = [newUser(), newUser()];
    const [a] = await connect(server, [ann, 1]);
    const id = await server.converse(ann, bob);
    await send(a, id, 'before');
    await server.control('stop store');
    const health = await fetch(`${server.url}/health`);
    assert.deepEqual([health.status, (await health.json()).mongodb], [503, 'disconnected']);
    await server.control('start store');
    assert.equal((await send(a, id, 'after')).sequenceNumber, 2);
    assert.deepEqual(of(await server.list(bob, `/messages/${id}`), 'message'), ['before', 'after']);
    assert.equal((await fetch(`${server.url}/health`)).status, 200);
    close(a);
  });

  test('what was stored outlives a kill of everything', async () => {
    const [ann, bob] = [newUser(), newUser()];
    const id = await server.converse(ann, bob);
    const [a] = await connect(server, [ann, 1]);
    const first = await send(a, id, 'kept', 'key');
    await server.stop('SIGKILL');
    await start('fixed');
    const [again] = await connect(servers.fixed, [ann, 2]);
    assert.deepEqual(await send(again, id, 'kept', 'key'), first);
    assert.equal((await send(again, id, 'next')).sequenceNumber, 2);
    close(a, again);
  });
});

describe('as-documented: the traps', () => {
  let server;
  before(() => (server = servers['as-documented']));

  test('content-and-time, number-before-store: a second yes is swallowed, and takes a number with it', async () => {
    const [ann, bob] = [newUser(), newUser()];
    const id = await server.converse(ann, bob);
    const [a] = await connect(server, [ann, 1]);
    let [first, second] = [];
    // The clock may turn to the next second between the two.
    do [first, second] = [await send(a, id, 'yes'), await send(a, id, 'yes')];
    while (first.messageId !== second.messageId);
    assert.equal((await send(a, id, 'next')).sequenceNumber, first.sequenceNumber + 2);
    a.close();
  });

  test('lock-is-no-queue: of sends in a row, later ones are stored first', async () => {
    const [ann, bob] = [newUser(), newUser()];
    const id = await server.converse(ann, bob);
    const [a] = await connect(server, [ann, 1]);
    const numbers = of(await Promise.all(texts(20).map((text) => send(a, id, text))), 'sequenceNumber');
    assert.deepEqual([...numbers].sort((x, y) => x - y), oneTo(20));
    assert.notDeepEqual(numbers, oneTo(20));
    a.close();
  });

  test('one-session, own-tabs: of two tabs one hears, and when one goes neither does', async () => {
    const [ann, bob] = [newUser(), newUser()];
    const id = await server.converse(ann, bob);
    const [a, mine, first] = await connect(server, [ann, 1], [ann, 2], [bob, 1]);
    const [second] = await connect(server, [bob, 2]);
    await send(a, id, 'to the second');
    await second.several('receive_message', 1);
    first.close();
    // The second tab is still there, but its user counts as gone: what is sent waits for the next one that comes.
    for (let i = 0; second.got('receive_message').length === i + 1; i++) await send(a, id, `${i}`);
    const [third] = await connect(server, [bob, 1]);
    await third.several('receive_message', 1);
    assert.deepEqual(mine.got('receive_message'), []);
    close(a, mine, second, third);
  });

  test('find-then-create, group-for-pair: a pair has several conversations, or that of a group', async () => {
    const [ann, bob, cat] = [newUser(), newUser(), newUser()];
    const group = await server.converse(ann, bob, cat);
    assert.equal(await server.converse(ann, bob), group);
    let several = false;
    for (let i = 0; i < 100 && !several; i++) {
      const dan = newUser();
      const asked = await Promise.all([ann, dan, ann, dan].map((one) => server.converse(one, one === ann ? dan : ann)));
      several = new Set(asked).size > 1;
    }
    assert.ok(several);
  });

  test('check-then-add: two first messages at once make double contacts', async () => {
    let doubled = false;
    for (let i = 0; i < 100 && !doubled; i++) {
      const [ann, bob] = [newUser(), newUser()];
      const [a, b] = await connect(server, [ann, 1], [bob, 2]);
      const groups = await Promise.all([server.converse(ann, bob, newUser()), server.converse(ann, bob, newUser())]);
      await Promise.all([send(a, groups[0], 'x'), send(b, groups[1], 'y')]);
      doubled = (await server.list(ann, `/contacts/${ann}`)).filter(({ _id }) => _id === bob).length > 1;
      close(a, b);
    }
    assert.ok(doubled);
  });

  test('sender-only: two who were written to in a group are no contacts', async () => {
    const [ann, bob, cat] = [newUser(), newUser(), newUser()];
    const id = await server.converse(ann, bob, cat);
    const [a] = await connect(server, [ann, 1]);
    await send(a, id, 'to both');
    assert.deepEqual((await server.list(ann, `/contacts/${ann}`)).map(({ _id }) => _id), [bob, cat]);
    assert.deepEqual((await server.list(bob, `/contacts/${bob}`)).map(({ _id }) => _id), [ann]);
    a.close();
  });

  test('trusted-sender, unchecked-member, trusted-path: anybody speaks for anybody, anywhere, and reads it', async () => {
    const [ann, bob, eve] = [newUser(), newUser(), newUser()];
    const id = await server.converse(ann, bob);
    const [e] = await connect(server, [eve, 1]);
    assert.equal((await e.call('send_message', { conversationId: id, senderId: ann, message: 'lies' })).status, 'ok');
    assert.deepEqual(of(await server.list(eve, `/messages/${id}`), 'senderId'), [ann]);
    assert.equal((await server.list(eve, `/contacts/${ann}`)).length, 1);
    e.close();
  });

  test('ghost-session: who was on a node that was killed is sent nothing, and nothing waits', async () => {
    const [ann, bob] = [newUser(), newUser()];
    const [a, b] = await connect(server, [ann, 1], [bob, 2]);
    const id = await server.converse(ann, bob);
    await send(a, id, 'before');
    await b.several('receive_message', 1);
    await server.control('kill node 2');
    await b.ended();
    await send(a, id, 'meanwhile');
    await server.control('start node 2');
    const [again] = await connect(server, [bob, 2]);
    await send(again, id, 'I am back');
    await send(a, id, 'after');
    assert.deepEqual(of(await again.several('receive_message', 1), 'message'), ['after']);
    close(a, again);
  });

  test('counter-forgets, health-always-200: Redis comes back without memory, and numbers come twice', async () => {
    const [ann, bob] = [newUser(), newUser()];
    const id = await server.converse(ann, bob);
    const [a] = await connect(server, [ann, 1]);
    for (const text of ['1', '2']) await send(a, id, text);
    await server.control('stop redis');
    const health = await fetch(`${server.url}/health`);
    assert.deepEqual([health.status, (await health.json()).redis], [200, 'disconnected']);
    await server.control('start redis');
    assert.equal((await send(a, id, '3')).sequenceNumber, 1);
    assert.deepEqual(await server.numbers(ann, id), [1, 1, 2]);
    a.close();
  });
});

describe('as-documented: the lock', () => {
  /** As much of Redis as the delivery needs; a lock expires when the test says so. */
  class Memory extends Map {
    async set(key, value, ...options) {
      if (options.includes('NX') && this.has(key)) return null;
      super.set(key, value);
      return 'OK';
    }
    async get(key) {
      return super.get(key) ?? null;
    }
    async del(key) {
      return super.delete(key);
    }
    async incr(key) {
      super.set(key, (super.get(key) ?? 0) + 1);
      return super.get(key);
    }
  }

  test('lock-expires, foreign-unlock: a slow holder comes after the next one, and opens the lock of the third', async () => {
    const redis = new Memory();
    await redis.set('user:bob', JSON.stringify({ socketId: 'socket' }));
    const heard = [];
    const held = new Map();
    const store = {
      conversation: async (_id) => ({ _id, members: ['ann', 'bob'] }),
      addContact: async () => false,
      save: ({ message, ...row }) =>
        new Promise((stored) => {
          const done = () => stored({ stored: { message, ...row, createdAt: new Date() }, isDuplicate: false });
          if (message === 'quick') done();
          else held.set(message, done);
        }),
    };
    const emit = (room, event, { sequenceNumber }) => event === 'receive_message' && heard.push(sequenceNumber);
    const delivery = new Delivery({ store, redis, emit });
    const say = (message) => delivery.send({ conversationId: 'c', senderId: 'ann', message });
    const lock = 'lock:conversation:c';

    const slow = say('slow');
    while (!held.has('slow')) await new Promise(setImmediate);
    await redis.del(lock);
    await say('quick');
    const third = say('third');
    while (!held.has('third')) await new Promise(setImmediate);
    held.get('slow')();
    await slow;
    assert.deepEqual(heard, [2, 1]);
    assert.equal(await redis.get(lock), null);
    held.get('third')();
    await third;
  });

  test('drain-amid-live: a live message comes between those that waited', async () => {
    const waiting = ['"1"', '"2"'];
    const heard = [];
    const socket = { emit: (_, message) => heard.push(message) };
    const redis = { lpop: async () => waiting.shift() ?? null };
    const delivery = new Delivery({ store: {}, redis, emit: () => {} });
    const drained = delivery.drain('bob', socket);
    await Promise.resolve();
    socket.emit('receive_message', '3');
    await drained;
    assert.notDeepEqual(heard, ['1', '2', '3']);
  });
});
