// Runs `start` as anybody else would and talks to it over the wire, with the official client. Nothing here sleeps to be in
// step: every wait is for something that happens.

import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import * as common from '../common/testing.js';
import { close, newUser, texts, tokenOf } from '../common/testing.js';

const users = (count) => Array.from({ length: count }, newUser);

class Client extends common.Client {
  /** Asks, and answers the first of these events that comes from now on. */
  async ask(event, data, ...answers) {
    const seen = this.pushes.length;
    this.emit(event, data);
    const [, answer] = await this.until(
      ({ pushes }) => pushes.slice(seen).find(([name]) => answers.includes(name)),
      `an answer to ${event}`,
    );
    return answer;
  }

  direct(otherUserId) {
    return this.ask('getOrCreateDirect', { otherUserId }, 'conversation:created', 'conversation:error');
  }

  group(name, participants) {
    return this.ask('createGroup', { name, participants }, 'conversation:created', 'conversation:error');
  }

  conversations() {
    return this.ask('getConversations', undefined, 'conversations:list', 'conversations:error');
  }

  history(conversationId, since) {
    return this.ask('getMessages', { conversationId, since }, 'messages:list', 'messages:error');
  }

  /** Sends, and waits for the answer that carries the key. `count` is which answer to it this is. */
  async send(conversationId, content, clientMessageId = crypto.randomUUID(), count = 1) {
    this.emit('sendMessage', { conversationId, content, clientMessageId });
    const mine = ([name, answer]) => /^message:(sent|error)$/.test(name) && answer.clientMessageId === clientMessageId;
    const all = await this.until(({ pushes }) => {
      const answers = pushes.filter(mine);
      return answers.length >= count && answers;
    }, `an answer to ${clientMessageId}`);
    return all[count - 1][1];
  }
}

class Server extends common.Server {
  static Client = Client;

  static start(mode, options) {
    return super.start(import.meta.dirname, mode, options);
  }

  connectAll(...ids) {
    return Promise.all(ids.map((id) => this.connect(id)));
  }
}

for (const [mode, without] of [['fixed'], ['as-documented', 'no-room']]) {
  test(`${mode}: the wire`, async () => {
    const server = await Server.start(mode, { without });
    try {
      assert.equal(await server.refusal({}), 'Authentication token required');
      assert.equal(await server.refusal({ auth: { token: tokenOf('7') } }), 'Invalid or expired token');

      const [ann, bob] = users(2);
      const [a, b] = await server.connectAll(ann, bob);
      const { success, data: pair } = await a.direct(bob);
      assert.ok(success);
      assert.match(pair._id, /^[0-9a-f]{24}$/);
      assert.equal(pair.type, 'direct');
      assert.deepEqual(pair.participants.map(({ _id }) => _id), [ann, bob]);
      assert.equal((await b.direct(ann)).data._id, pair._id);

      const sent = await a.send(pair._id, 'good day', 'key-1');
      const { data: pushed } = await b.pushed('message:new', () => true);
      assert.deepEqual([sent.success, sent.data._id, sent.data.senderId._id], [true, pushed._id, ann]);
      assert.deepEqual([pushed.content, pushed.clientMessageId, pushed.conversationId], ['good day', 'key-1', pair._id]);
      assert.match(pushed.createdAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

      b.emit('message:read', { messageId: pushed._id, conversationId: pair._id });
      assert.deepEqual(await a.pushed('message:status', () => true), { messageId: pushed._id, status: 'read' });
      const history = await b.history(pair._id);
      assert.deepEqual(history.data.map(({ _id, status }) => [_id, status]), [[pushed._id, 'read']]);
      assert.deepEqual((await b.conversations()).data.map(({ _id }) => _id), [pair._id]);
      assert.equal((await (await server.connect(newUser())).history(pair._id)).success, false);
    } finally {
      await server.stop();
    }
  });
}

describe('fixed: the promises', () => {
  let server;
  before(async () => (server = await Server.start('fixed')));
  after(() => server.stop());

  test('one conversation for two people, however they ask, and any number of conversations for one', async () => {
    const [ann, bob, cem] = users(3);
    const [phone, laptop, b] = await server.connectAll(ann, ann, bob);
    const asked = await Promise.all([phone.direct(bob), laptop.direct(bob), b.direct(ann)]);
    assert.equal(new Set(asked.map(({ data }) => data._id)).size, 1);
    const others = [await phone.direct(cem), await phone.group('us', [bob, bob]), await phone.group('us', [ann, bob])];
    assert.equal(new Set([...asked, ...others].map(({ data }) => data._id)).size, 4);
    assert.deepEqual(others[1].data.participants.map(({ _id }) => _id), [bob, ann]);
    assert.equal((await phone.direct(ann)).success, false);
    close(phone, laptop, b);
  });

  test('a key is one message for its sender, and nothing to anybody else', async () => {
    const [ann, bob] = users(2);
    const [phone, laptop, b] = await server.connectAll(ann, ann, bob);
    const { _id } = (await phone.direct(bob)).data;
    const acks = await Promise.all([phone.send(_id, 'x', 'k'), phone.send(_id, 'x', 'k', 2), laptop.send(_id, 'x', 'k')]);
    assert.equal(new Set(acks.map(({ data }) => data._id)).size, 1);
    const his = await b.send(_id, 'y', 'k');
    assert.deepEqual((await b.history(_id)).data.map((m) => m._id), [acks[0].data._id, his.data._id]);
    assert.deepEqual((await b.several('message:new', 2)).map(({ data }) => data.content), ['x', 'y']);
    close(phone, laptop, b);
  });

  test('a status goes forward only, by participants only, and begins at `sent`', async () => {
    const [ann, bob, eve] = users(3);
    const [a, b, e] = await server.connectAll(ann, bob, eve);
    const { _id: conversationId } = (await a.direct(bob)).data;
    const { data: message } = await a.send(conversationId, 'x');
    assert.equal(message.status, 'sent');
    const say = (client, status) => client.emit(`message:${status}`, { messageId: message._id, conversationId });
    say(a, 'read');
    const refused = await e.ask('message:read', { messageId: message._id, conversationId }, 'message:error');
    assert.deepEqual([refused.success, refused.messageId], [false, message._id]);
    for (const status of ['delivered', 'read', 'delivered', 'read']) say(b, status);
    assert.equal((await b.history(conversationId)).data[0].status, 'read');
    assert.deepEqual((await a.several('message:status', 2)).map(({ status }) => status), ['delivered', 'read']);
    close(a, b, e);
  });

  test('the order is one for everybody, and a sync from the last known time misses nothing', async () => {
    const people = users(4);
    const clients = await server.connectAll(...people);
    const { _id } = (await clients[0].group('all', people)).data;
    await Promise.all(clients.flatMap((client) => texts(10).map((text) => client.send(_id, text))));
    const { data: history } = await clients[0].history(_id);
    const ids = history.map((message) => message._id);
    assert.equal(new Set(history.map(({ createdAt }) => createdAt)).size, 40);
    for (const client of clients) {
      assert.deepEqual((await client.several('message:new', 40)).map(({ data }) => data._id), ids);
    }
    assert.deepEqual((await clients[1].history(_id, history[30].createdAt)).data.map((m) => m._id), ids.slice(30));
    close(...clients);
  });

  test('any payload is answered with an error, and survived', async () => {
    const [ann, bob] = users(2);
    const a = await server.connect(ann);
    const { _id } = (await a.direct(bob)).data;
    for (const content of ['', 7, null, {}, 'a\0b', '\ud800']) assert.equal((await a.send(_id, content)).success, false);
    for (const payload of [undefined, null, 7, 'x', [], {}, { messageId: 'x', conversationId: 'x', otherUserId: 7 }]) {
      for (const event of ['getOrCreateDirect', 'createGroup']) {
        assert.equal((await a.ask(event, payload, 'conversation:created', 'conversation:error')).success, false);
      }
      for (const event of ['sendMessage', 'message:read', 'message:delivered']) {
        assert.equal((await a.ask(event, payload, 'message:error')).success, false);
      }
      assert.equal((await a.ask('getMessages', payload, 'messages:error')).success, false);
    }
    a.close();
  });

  test('a token is looked at on every event', async () => {
    const client = new Client(server.url, { auth: { token: tokenOf(newUser(), { expiresIn: 1 }) } });
    await client.connected;
    let answer;
    do answer = await client.conversations();
    while (answer.success);
    assert.equal(answer.error, 'Invalid or expired token');
    client.close();
  });
});

describe('as-documented: the traps', () => {
  let server;
  before(async () => (server = await Server.start('as-documented', { without: 'no-room' })));
  after(() => server.stop());

  test('find-then-create: of two who ask at once, one is told of an error', async () => {
    let refused;
    for (let i = 0; i < 50 && !refused; i++) {
      const [ann, bob] = users(2);
      const [a, b] = await server.connectAll(ann, bob);
      refused = (await Promise.all([a.direct(bob), b.direct(ann)])).find(({ success }) => !success);
      close(a, b);
    }
    assert.match(refused.error, /E11000/);
  });

  test('multikey-unique: a second conversation of its kind is refused', async () => {
    const [ann, bob, cem, dan] = users(4);
    const a = await server.connect(ann);
    assert.ok((await a.direct(bob)).success);
    assert.match((await a.direct(cem)).error, /E11000/);
    assert.ok((await a.group('one', [bob, cem])).success);
    const b = await server.connect(dan);
    assert.match((await b.group('two', [bob])).error, /E11000/);
    close(a, b);
  });

  test('key-refused, global-key: a repetition is an error, and so is the key of somebody else', async () => {
    const [ann, bob] = users(2);
    const [a, b] = await server.connectAll(ann, bob);
    const { _id } = (await a.direct(bob)).data;
    assert.ok((await a.send(_id, 'x', 'used')).success);
    assert.match((await a.send(_id, 'x', 'used', 2)).error, /E11000/);
    assert.match((await b.send(_id, 'y', 'used')).error, /E11000/);
    close(a, b);
  });

  test('never-sent, status-goes-back, unchecked-status: a status is what anybody said last', async () => {
    const [ann, bob, eve] = users(3);
    const [a, b, e] = await server.connectAll(ann, bob, eve);
    const { _id: conversationId } = (await a.direct(bob)).data;
    const { data: message } = await a.send(conversationId, 'x');
    const status = async () => (await a.history(conversationId)).data[0].status;
    assert.equal(await status(), 'sending');
    const say = async (client, word, count) => {
      client.emit(`message:${word}`, { messageId: message._id, conversationId });
      await a.several('message:status', count);
    };
    await say(e, 'read', 1);
    assert.equal(await status(), 'read');
    await say(b, 'delivered', 2);
    assert.equal(await status(), 'delivered');
    close(a, b, e);
  });

  test('with-oneself, refusals-differ, unchecked-content: what nobody asked about is done', async () => {
    const [ann, bob, eve] = users(3);
    const [a, b, e] = await server.connectAll(ann, bob, eve);
    assert.ok((await b.direct(bob)).success);
    const { _id } = (await a.direct(eve)).data;
    assert.notEqual((await b.send(_id, 'x')).error, (await b.send('f'.repeat(24), 'x')).error);
    assert.deepEqual((await e.send(_id, { not: 'a text' })).data.content, { not: 'a text' });
    close(a, b, e);
  });

  test('token-at-connect: who is in stays in', async () => {
    const client = new Client(server.url, { auth: { token: tokenOf(newUser(), { expiresIn: 1 }) } });
    await client.connected;
    const expired = performance.now() + 2000;
    do assert.ok((await client.conversations()).success);
    while (performance.now() < expired);
    client.close();
  });
});

test('as-documented: no-room: nobody is told', async () => {
  const server = await Server.start('as-documented');
  try {
    const [ann, bob] = users(2);
    const [a, b] = await server.connectAll(ann, bob);
    const { _id } = (await a.direct(bob)).data;
    await a.send(_id, 'x');
    await b.history(_id);
    assert.deepEqual([a, b].flatMap((client) => client.got('message:new')), []);
  } finally {
    await server.stop();
  }
});

for (const [name, event, payload] of [
  ['no-payload-crash', 'sendMessage', undefined],
  ['bad-id-crash', 'message:read', { messageId: 'nonsense' }],
]) {
  test(`as-documented: ${name}: one event ends the process`, async () => {
    const server = await Server.start('as-documented');
    try {
      (await server.connect(newUser())).emit(event, payload);
      assert.equal(await server.ended, 1);
    } finally {
      await server.stop();
    }
  });
}

test('what was answered survives a kill -9, and nothing is left behind', async () => {
  const temp = await mkdtemp(path.join(tmpdir(), 'event-test.'));
  await chmod(temp, 0o711);
  const data = path.join(temp, 'data');
  const [ann, bob] = users(2);
  let server = await Server.start('fixed', { data, temp });
  const { _id } = (await (await server.connect(ann)).direct(bob)).data;
  for (const [count, signal] of [[1, 'SIGKILL'], [2, 'SIGTERM']]) {
    const sent = await (await server.connect(ann)).send(_id, 'x', `key-${count}`);
    // No waiting for the end of the first: the second has to cope with what is still there.
    const ended = server.stop(signal);
    const next = await Server.start('fixed', { data, temp });
    await ended;
    server = next;
    const a = await server.connect(ann);
    assert.equal((await a.history(_id)).data.length, count);
    assert.equal((await a.send(_id, 'x', `key-${count}`)).data._id, sent.data._id);
  }
  assert.equal(await server.stop(), 143);
  assert.deepEqual(await readdir(temp), ['data']);
  await rm(temp, { recursive: true });
});
