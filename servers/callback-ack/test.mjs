// Runs `start` as anybody else would and talks to it over the wire, with the official client. Nothing here sleeps to be in
// step: every wait is for something that happens.

import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import * as common from '../common/testing.js';
import { texts, tokenOf } from '../common/testing.js';

// Each test has users nobody else has, so that none sees another's messages or uses up another's allowance.
let lastUser = 0;
const newUser = () => ++lastUser;

class Client extends common.Client {
  send(conversationId, text, clientMessageId = crypto.randomUUID()) {
    return this.call('message:send', conversationId, { text, clientMessageId });
  }

  messages(count) {
    return this.several('message:new', count);
  }
}

class Server extends common.Server {
  static Client = Client;

  static start(mode, options) {
    return super.start(import.meta.dirname, mode, options);
  }

  async converse(...participants) {
    const made = await this.call(participants[0], 'POST', '/api/conversations', { participants });
    assert.equal(made.status, 201);
    assert.deepEqual(made.participants, [...participants].sort((a, b) => a - b));
    return made.id;
  }

  history(userId, conversationId, query = {}) {
    return this.call(userId, 'GET', `/api/conversations/${conversationId}/messages?${new URLSearchParams(query)}`);
  }
}

function assertIncreasing(messages) {
  for (let i = 1; i < messages.length; i++) {
    assert.ok(messages[i - 1].createdAt < messages[i].createdAt, `${messages[i].createdAt} does not increase`);
  }
}

for (const mode of ['fixed', 'as-documented']) {
  describe(`${mode}: the wire`, () => {
    let server;
    before(async () => (server = await Server.start(mode)));
    after(() => server.stop());

    test('the gate', async () => {
      assert.equal(await server.refusal({}), 'Authentication token required');
      assert.equal(await server.refusal({ auth: { token: 'nonsense' } }), 'Invalid or expired token');
      assert.equal(await server.refusal({ auth: { token: tokenOf(1, { expiresIn: -1 }) } }), 'Invalid or expired token');
      const byQuery = new Client(server.url, { query: { token: tokenOf(newUser()) } });
      await byQuery.connected;
      byQuery.close();

      const bare = await fetch(`${server.url}/api/conversations`);
      assert.equal(bare.status, 401);
      assert.ok((await bare.json()).error);
      const health = await fetch(`${server.url}/health`);
      assert.deepEqual([health.status, await health.json()], [200, { status: 'ok' }]);
    });

    test('a message from send to history', async () => {
      const [ann, bob] = [newUser(), newUser()];
      const id = await server.converse(ann, bob);
      const [a, b] = await Promise.all([server.connect(ann), server.connect(bob)]);
      assert.deepEqual(await a.call('conversation:join', id), { success: true });
      assert.deepEqual(await b.call('conversation:join', id), { success: true });
      await a.pushed('user:online', bob);

      b.socket.emit('typing:start', id);
      await a.pushed('typing:start', bob);
      b.socket.emit('typing:stop', id);
      await a.pushed('typing:stop', bob);

      const ack = await a.send(id, 'good day', 'key-1');
      const [pushed] = await b.messages(1);
      assert.deepEqual(ack, { success: true, messageId: pushed.id });
      assert.match(pushed.createdAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      assert.deepEqual(pushed, {
        id: pushed.id,
        conversationId: id,
        senderId: ann,
        text: 'good day',
        clientMessageId: 'key-1',
        createdAt: pushed.createdAt,
      });
      assert.deepEqual(await a.messages(1), [pushed]);
      assert.deepEqual((await server.history(bob, id)).messages, [pushed]);
      assert.deepEqual(await a.send(id, 'good day', 'key-1'), ack);

      b.socket.emit('message:read', pushed.id);
      const [read] = await a.until((c) => c.got('message:read').length > 0 && c.got('message:read'), 'message:read');
      assert.deepEqual(read, { messageId: pushed.id, readBy: bob, readAt: read.readAt });

      const list = await server.call(bob, 'GET', '/api/conversations');
      assert.deepEqual(list.conversations, [{ id, participants: [ann, bob] }]);
      b.close();
      await a.pushed('user:offline', bob);
      a.close();
    });
  });
}

describe('fixed: the promises', () => {
  let server;
  before(async () => (server = await Server.start('fixed')));
  after(() => server.stop());

  test('a key sent twice at once is one message with one id and one push', async () => {
    const [ann, bob] = [newUser(), newUser()];
    const id = await server.converse(ann, bob);
    const [phone, laptop, b] = await Promise.all([ann, ann, bob].map((user) => server.connect(user)));
    const acks = await Promise.all([
      phone.send(id, 'once', 'same'),
      phone.send(id, 'once', 'same'),
      laptop.send(id, 'once', 'same'),
    ]);
    assert.ok(acks[0].success);
    assert.deepEqual(acks, [acks[0], acks[0], acks[0]]);
    // The same key of somebody else is a message of its own, and it also ends the wait for pushes.
    const other = await b.send(id, 'mine', 'same');
    assert.notEqual(other.messageId, acks[0].messageId);
    assert.deepEqual((await b.messages(2)).map((m) => m.id), [acks[0].messageId, other.messageId]);
    assert.equal((await server.history(ann, id)).messages.length, 2);
    for (const client of [phone, laptop, b]) client.close();
  });

  test('a stranger neither joins, sends, types, reads nor sees the history', async () => {
    const [ann, bob, eve] = [newUser(), newUser(), newUser()];
    const id = await server.converse(ann, bob);
    const [a, e] = await Promise.all([ann, eve].map((user) => server.connect(user)));
    const { messageId } = await a.send(id, 'for bob');
    const refused = { success: false, error: 'Not a participant' };
    assert.deepEqual(await e.call('conversation:join', id), refused);
    assert.deepEqual(await e.send(id, 'let me in'), refused);
    assert.deepEqual(await e.call('typing:start', id), refused);
    assert.deepEqual(await e.call('message:read', messageId), refused);
    assert.deepEqual(await server.history(eve, id), { status: 403, error: 'Not a participant' });
    await a.send(id, 'second');
    await a.messages(2);
    // The answer to a call of one's own comes after all that was pushed before.
    await e.call('conversation:join', id);
    assert.deepEqual(e.pushes, []);
    assert.deepEqual(a.pushes.map(([event]) => event), ['message:new', 'message:new']);
    a.close();
    e.close();
  });

  test('a member needs no join, neither at connect nor for a new conversation', async () => {
    const [ann, bob] = [newUser(), newUser()];
    const a = await server.connect(ann);
    const id = await server.converse(bob, ann);
    const b = await server.connect(bob);
    await a.pushed('user:online', bob);
    await b.send(id, 'hello');
    assert.equal((await a.messages(1))[0].text, 'hello');
    a.close();
    b.close();
  });

  test('order and time hold under concurrent bursts, the same for everybody', async () => {
    const users = Array.from({ length: 12 }, newUser);
    const id = await server.converse(...users);
    const clients = await Promise.all(users.map((user) => server.connect(user)));
    const acks = await Promise.all(clients.flatMap((client) => texts(10).map((text) => client.send(id, text))));
    assert.ok(acks.every((ack) => ack.success));

    const first = [];
    for (let since; first.length < 120; since = first.at(-1).createdAt) {
      const page = (await server.history(users[0], id, { limit: 50, ...(since && { since }) })).messages;
      assert.ok(page.length <= 50);
      const fresh = page.filter((message) => !first.some((known) => known.id === message.id));
      assert.ok(fresh.length > 0);
      first.push(...fresh);
    }
    assert.equal(first.length, 120);
    assertIncreasing(first);
    for (const user of users) {
      assert.deepEqual(first.filter((m) => m.senderId === user).map((m) => m.text), texts(10));
    }
    for (const client of clients) {
      assert.deepEqual(await client.messages(120), first);
      client.close();
    }
    assert.equal((await server.history(users[0], id, { limit: 1000 })).messages.length, 100);
  });

  test('ten messages a second for a user on all devices, and a retry is free', async () => {
    const ann = newUser();
    const id = await server.converse(ann);
    const [phone, laptop] = await Promise.all([server.connect(ann), server.connect(ann)]);
    const sends = texts(16).map((text, i) => (i % 2 ? phone : laptop).send(id, text, `key-${i}`));
    const acks = await Promise.all(sends);
    const taken = acks.filter((ack) => ack.success);
    // A machine so slow that the burst spans more than a second may let more than ten through, but never fewer.
    assert.ok(taken.length >= 10 && taken.length < 16, `${taken.length} were let through`);
    const refused = acks.filter((ack) => !ack.success);
    assert.deepEqual(refused, refused.map(() => ({ success: false, error: 'Rate limit exceeded' })));
    const stored = acks.findIndex((ack) => ack.success);
    assert.deepEqual(await phone.send(id, `${stored}`, `key-${stored}`), acks[stored]);
    phone.close();
    laptop.close();
  });

  test('text is measured in characters and cannot carry a tag', async () => {
    const ann = newUser();
    const id = await server.converse(ann);
    const a = await server.connect(ann);
    for (const bad of ['', 'x'.repeat(1001), '\u{1f600}'.repeat(1001), 7, null, 'a\0b', '\ud800']) {
      assert.equal((await a.send(id, bad)).success, false);
    }
    for (const data of [undefined, null, 'text', { text: 'no key' }, { text: 'x', clientMessageId: 7 }]) {
      assert.equal((await a.call('message:send', id, data)).success, false);
    }
    assert.equal((await a.call('message:send', 'one', { text: 'x', clientMessageId: 'k' })).success, false);
    const long = '\u{1f600}'.repeat(1000);
    assert.ok((await a.send(id, long)).success);
    assert.ok((await a.send(id, `<b onclick="x('&amp;')">\u00e9</b>`)).success);
    assert.deepEqual(
      (await server.history(ann, id)).messages.map((m) => m.text),
      [long, `&lt;b onclick="x('&amp;')"&gt;\u00e9&lt;/b&gt;`],
    );
    a.close();
  });

  test('a missing acknowledgement, and arguments of any kind, are survived', async () => {
    const ann = newUser();
    const id = await server.converse(ann);
    const a = await server.connect(ann);
    a.socket.emit('message:send', id, { text: 'no ack', clientMessageId: 'quiet' });
    assert.equal((await a.messages(1))[0].text, 'no ack');
    for (const event of ['conversation:join', 'message:send', 'typing:start', 'typing:stop', 'message:read']) {
      for (const args of [[], [null], [{}], ['x'], [-1], [2 ** 40], [id, null]]) a.socket.emit(event, ...args);
    }
    a.socket.emit('message:read', 2_000_000_000);
    assert.ok((await a.send(id, 'still here')).success);
    a.close();
  });

  test('resync from the last known time misses nothing', async () => {
    const ann = newUser();
    const id = await server.converse(ann);
    const a = await server.connect(ann);
    await Promise.all(texts(5).map((text) => a.send(id, text)));
    const all = (await server.history(ann, id)).messages;
    const since = all[2].createdAt;
    assert.deepEqual((await server.history(ann, id, { since })).messages, all.slice(2));
    assert.equal((await server.history(ann, id, { since: 'yesterday' })).status, 400);
    a.close();
  });

  test('offline comes with the last device, and ends the typing', async () => {
    const [ann, bob] = [newUser(), newUser()];
    const id = await server.converse(ann, bob);
    const a = await server.connect(ann);
    const [phone, laptop] = [await server.connect(bob), await server.connect(bob)];
    phone.socket.emit('typing:start', id);
    await a.pushed('typing:start', bob);
    phone.close();
    await a.pushed('typing:stop', bob);
    assert.deepEqual(a.got('user:offline'), []);
    laptop.close();
    await a.pushed('user:offline', bob);
    assert.deepEqual(a.got('user:online'), [bob]);
    a.close();
  });

  test('a receipt is sent once, and not for one\'s own message', async () => {
    const [ann, bob] = [newUser(), newUser()];
    const id = await server.converse(ann, bob);
    const [a, b] = await Promise.all([server.connect(ann), server.connect(bob)]);
    const { messageId } = await a.send(id, 'read me');
    for (const client of [a, b, b]) assert.deepEqual(await client.call('message:read', messageId), { success: true });
    await a.call('conversation:join', id);
    assert.deepEqual(a.got('message:read').map((receipt) => receipt.readBy), [bob]);
    a.close();
    b.close();
  });
});

describe('as-documented: the traps', () => {
  let server;
  before(async () => (server = await Server.start('as-documented')));
  after(() => server.stop());

  test('check-then-insert: one of two sends at once is told of a failure', async () => {
    const ann = newUser();
    const id = await server.converse(ann);
    const [phone, laptop] = await Promise.all([server.connect(ann), server.connect(ann)]);
    let failure;
    for (let i = 0; i < 200 && !failure; i++) {
      const acks = await Promise.all([phone.send(id, 'x', `race-${i}`), laptop.send(id, 'x', `race-${i}`)]);
      failure = acks.find((ack) => !ack.success);
    }
    assert.match(failure.error, /duplicate key/);
    phone.close();
    laptop.close();
  });

  test('pipeline-reorder: of sends in a row, later ones are stored first', async () => {
    const ann = newUser();
    const id = await server.converse(ann);
    const a = await server.connect(ann);
    let overtaken = false;
    for (let i = 0; i < 200 && !overtaken; i++) {
      const ids = (await Promise.all(texts(10).map((text) => a.send(id, text)))).map((ack) => ack.messageId);
      overtaken = ids.some((later, at) => at > 0 && later < ids[at - 1]);
    }
    assert.ok(overtaken);
    a.close();
  });

  test('global-key: the key of one user is taken for everybody', async () => {
    const [ann, bob] = [newUser(), newUser()];
    const id = await server.converse(ann, bob);
    const [a, b] = await Promise.all([server.connect(ann), server.connect(bob)]);
    const first = await a.send(id, 'hers', 'shared-key');
    assert.deepEqual(await b.send(id, 'his', 'shared-key'), first);
    a.close();
    b.close();
  });

  test('unchecked-join, -send, -typing, -history, trusted-read: a stranger may do all of it', async () => {
    const [ann, eve] = [newUser(), newUser()];
    const id = await server.converse(ann);
    const [a, e] = await Promise.all([server.connect(ann), server.connect(eve)]);
    await a.call('conversation:join', id);
    await e.call('conversation:join', id);
    const { messageId } = await a.send(id, 'private');
    assert.equal((await e.messages(1))[0].text, 'private');
    e.socket.emit('typing:start', id);
    await a.pushed('typing:start', eve);
    assert.ok((await e.send(id, 'unasked')).success);
    assert.equal((await server.history(eve, id)).messages.length, 2);
    e.socket.emit('message:read', messageId);
    await a.until((client) => client.got('message:read')[0]?.readBy === eve, 'the receipt of a stranger');
    a.close();
    e.close();
  });

  test('unchecked-text, no-rate-limit, no-limit: anything goes, in any number', async () => {
    const ann = newUser();
    const id = await server.converse(ann);
    const a = await server.connect(ann);
    await a.call('conversation:join', id);
    assert.ok((await a.send(id, `<script>${'x'.repeat(5000)}</script>`)).success);
    assert.match((await a.messages(1))[0].text, /^<script>/);
    const acks = await Promise.all(texts(110).map((text) => a.send(id, text)));
    assert.ok(acks.every((ack) => ack.success));
    assert.equal((await server.history(ann, id, { limit: 5 })).messages.length, 111);
    a.close();
  });

  test('join-gap: what is sent before the join is not pushed', async () => {
    const [ann, bob] = [newUser(), newUser()];
    const id = await server.converse(ann, bob);
    const [a, b] = await Promise.all([server.connect(ann), server.connect(bob)]);
    await a.send(id, 'before');
    await b.call('conversation:join', id);
    await a.send(id, 'behind');
    assert.deepEqual((await b.messages(1)).map((m) => m.text), ['behind']);
    a.close();
    b.close();
  });

  test('no-tie-break, exclusive-since: messages of one millisecond, and a resync that skips one', async () => {
    const ann = newUser();
    const id = await server.converse(ann);
    const a = await server.connect(ann);
    let twins;
    for (let i = 0; i < 100 && !twins; i++) {
      await Promise.all(texts(20).map((text) => a.send(id, text)));
      const { messages } = await server.history(ann, id);
      twins = messages.find((message, at) => at > 0 && message.createdAt === messages[at - 1].createdAt);
    }
    assert.ok(twins, 'no two messages had the same time');
    const { messages } = await server.history(ann, id, { since: twins.createdAt });
    assert.ok(messages.every((message) => message.createdAt > twins.createdAt));
    a.close();
  });

  test('offline-with-device, typing-forever: a device leaves, and the user is gone but typing', async () => {
    const [ann, bob] = [newUser(), newUser()];
    const id = await server.converse(ann, bob);
    const [a, phone, laptop] = await Promise.all([ann, bob, bob].map((user) => server.connect(user)));
    for (const client of [a, phone, laptop]) await client.call('conversation:join', id);
    phone.socket.emit('typing:start', id);
    await a.pushed('typing:start', bob);
    phone.close();
    await a.pushed('user:offline', bob);
    assert.ok((await laptop.send(id, 'I am still here')).success);
    await a.messages(1);
    assert.deepEqual(a.got('typing:stop'), []);
    a.close();
    laptop.close();
  });
});

describe('as-documented: the crashes', () => {
  for (const [name, crash] of [
    ['missing-ack-crash', (a, id) => a.socket.emit('message:send', id, { text: 'x', clientMessageId: 'k' })],
    ['unknown-read-crash', (a) => a.socket.emit('message:read', 999_999)],
  ]) {
    test(name, async () => {
      const server = await Server.start('as-documented');
      try {
        const ann = newUser();
        const id = await server.converse(ann);
        const a = await server.connect(ann);
        crash(a, id);
        assert.equal(await server.ended, 1);
        assert.match(server.stderr, /TypeError/);
        a.close();
      } finally {
        await server.stop();
      }
    });
  }
});

describe('start', () => {
  let temp;
  before(async () => {
    temp = await mkdtemp(path.join(tmpdir(), 'ack-test.'));
    // PostgreSQL's user has to pass through.
    await chmod(temp, 0o711);
  });
  after(() => rm(temp, { recursive: true, force: true }));

  test('what was acknowledged survives a kill -9, and nothing is left behind', async () => {
    const data = path.join(temp, 'data');
    const [ann, bob] = [newUser(), newUser()];
    let server = await Server.start('fixed', { data, temp });
    const id = await server.converse(ann, bob);
    let count = 0;
    for (const signal of ['SIGKILL', 'SIGKILL', 'SIGTERM']) {
      const a = await server.connect(ann);
      const ack = await a.send(id, `before ${signal}`, `key-${count}`);
      count += 1;
      // No waiting for the end of the first: the second has to cope with what is still there.
      const ended = server.stop(signal);
      if (signal === 'SIGTERM') assert.equal(await ended, 143);
      const next = await Server.start('fixed', { data, temp });
      await ended;
      a.close();
      server = next;
      const { messages } = await server.history(bob, id);
      assert.equal(messages.length, count);
      assert.equal(messages.at(-1).id, ack.messageId);
      const again = await server.connect(ann);
      assert.deepEqual(await again.send(id, `before ${signal}`, `key-${count - 1}`), ack);
      again.close();
    }
    await server.stop();
    assert.deepEqual(server.lines.length, 1);
    assert.deepEqual(await readdir(temp), ['data']);
  });

  test('the database is stopped and comes back: health says so, and nobody is told yes meanwhile', async () => {
    const server = await Server.start('fixed', { data: path.join(temp, 'stopped'), temp });
    const health = async () => (await fetch(`${server.url}/health`)).status;
    const [ann, bob] = [newUser(), newUser()];
    const id = await server.converse(ann, bob);
    const a = await server.connect(ann);
    assert.equal((await a.send(id, 'before')).success, true);
    await server.control('stop store');
    assert.equal(await health(), 503);
    assert.equal((await a.send(id, 'meanwhile')).success, false);
    await server.control('start store');
    assert.equal(await health(), 200);
    assert.equal((await a.send(id, 'after')).success, true);
    const { messages } = await server.history(bob, id);
    assert.deepEqual(messages.map(({ text }) => text), ['before', 'after']);
    a.close();
    await server.stop();
    await rm(server.data, { recursive: true });
  });

  test('it ends with its stdin, on a leash', async () => {
    const server = await Server.start('fixed', { temp });
    server.child.stdin.end();
    assert.equal(await server.ended, 143);
    assert.ok(!(await readdir(temp)).some((name) => name.startsWith('callback-ack')));
  });
});
