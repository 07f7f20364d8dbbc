// Runs `start` as anybody else would, with two nodes, and talks to both over the wire with the official client.
// Nothing here sleeps to be in step: every wait is for something that happens.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import jwt from 'jsonwebtoken';
import { Client, SECRET, Server, close, inBothModes, newUser as newUserId } from '../common/testing.js';

const newUser = (chapterId = null) => ({ userId: newUserId(), chapterId });
const tokenOf = ({ userId, chapterId }) => jwt.sign({ userId, ...(chapterId && { chapterId }) }, SECRET);

class Network extends Server {
  /** An HTTP request to a node; answers the status, and `data` or `error`. */
  async ask(user, method, route, body, node = 1) {
    const response = await fetch(`${this.urls[node - 1]}/api/v1${route}`, {
      method,
      headers: { authorization: `Bearer ${tokenOf(user)}`, 'content-type': 'application/json' },
      body: body && JSON.stringify(body),
    });
    return { status: response.status, ...(await response.json()) };
  }

  async direct(one, other) {
    return (await this.ask(one, 'POST', '/conversations/direct', { userId: other.userId })).data._id;
  }

  async group(...people) {
    const participants = people.map(({ userId }) => userId);
    return (await this.ask(people[0], 'POST', '/conversations', { type: 'GROUP', participants, name: 'a group' })).data._id;
  }

  async broadcast(user, target) {
    return (await this.ask(user, 'POST', '/conversations', { type: 'BROADCAST', name: 'news', ...target })).data._id;
  }

  send(user, conversation, content, node = 1) {
    return this.ask(user, 'POST', `/conversations/${conversation}/messages`, { content, media: [] }, node);
  }

  async history(user, conversation, query = {}) {
    return (await this.ask(user, 'GET', `/conversations/${conversation}/messages?${new URLSearchParams(query)}`)).data;
  }

  async unread(user) {
    return (await this.ask(user, 'GET', '/messages/unread-count')).data;
  }

  read(user, messageId, node = 1) {
    return this.ask(user, 'PUT', `/messages/${messageId}/read`, undefined, node);
  }

  /** A client that is connected to a node and in a conversation, if it is told of one. */
  async connect(user, node = 1, conversation = null) {
    const client = new Client(this.urls[node - 1], { auth: { token: tokenOf(user) } });
    await client.connected;
    if (conversation) assert.deepEqual(await client.call('conversation:join', conversation), { success: true });
    return client;
  }
}

/** One types, and the other hears of it. */
async function heard(client, other, conversationId) {
  client.emit('typing:start', { conversationId });
  await other.several('typing:start', 1);
}

const contents = (messages) => messages.map(({ content }) => content);

const { servers } = inBothModes(Network, import.meta.dirname);

for (const mode of ['fixed', 'as-documented']) {
  describe(`${mode}: the wire`, () => {
    let server;
    before(() => (server = servers[mode]));

    test('the gate', async () => {
      assert.equal(await server.refusal({}), 'Authentication error');
      assert.equal(await server.refusal({ auth: { token: 'nonsense' } }), 'Authentication error');
      assert.equal((await fetch(`${server.url}/api/v1/conversations`)).status, 401);
      assert.equal((await fetch(`${server.url}/health`)).status, 200);
    });

    test('a message from one node to the other, and its reader', async () => {
      const [ann, bob] = [newUser(), newUser()];
      const id = await server.direct(ann, bob);
      assert.equal(await server.direct(bob, ann), id);
      const [a, b] = [await server.connect(ann, 1, id), await server.connect(bob, 2, id)];
      await heard(a, b, id);
      const sent = await server.send(ann, id, 'good day');
      assert.equal(sent.status, 201);
      const [pushed] = await b.several('message:new', 1);
      const { _id, createdAt, ...rest } = pushed;
      assert.deepEqual(rest, { conversation: id, sender: ann.userId, content: 'good day', media: [], readBy: [] });
      assert.deepEqual(sent.data, pushed);
      const notice = { type: 'MESSAGE', data: { messageId: _id, conversationId: id } };
      assert.deepEqual(await b.several('notification:new', 1), [notice]);
      assert.deepEqual(await server.history(bob, id), [pushed]);
      assert.deepEqual(await server.unread(bob), { total: 1, direct: 1, broadcast: 0 });

      await server.read(bob, _id, 2);
      const [{ messageId, readBy }] = await a.several('message:read', 1);
      assert.deepEqual([messageId, readBy.user], [_id, bob.userId]);
      assert.deepEqual(await server.unread(bob), { total: 0, direct: 0, broadcast: 0 });
      assert.deepEqual((await server.history(ann, id))[0].readBy, [readBy]);
      close(a, b);
    });

    test('what is refused', async () => {
      const [ann, bob, eve] = [newUser(), newUser(), newUser()];
      const id = await server.direct(ann, bob);
      assert.equal((await server.ask(ann, 'POST', '/conversations/direct', { userId: ann.userId })).status, 400);
      assert.equal((await server.send(eve, id, 'x')).status, 403);
      assert.equal((await server.ask(eve, 'GET', `/conversations/${id}/messages`)).status, 403);
      for (const content of ['', ' ', 'x'.repeat(10_001), 7, null, undefined]) {
        assert.equal((await server.send(ann, id, content)).status, 400);
      }
      for (const body of [{}, { type: 'GROUP' }, { type: 'BROADCAST' }, { type: 'BROADCAST', targetType: 'CUSTOM' }]) {
        assert.equal((await server.ask(ann, 'POST', '/conversations', body)).status, 400);
      }
    });

    test('a broadcast is one message for everybody it is meant for, on both nodes, and for nobody else', async () => {
      const [ann, bob, cat, dan] = [newUser(), newUser('lagos'), newUser('lagos'), newUser('accra')];
      const clients = await Promise.all([bob, cat, dan].map((user, i) => server.connect(user, 1 + (i % 2))));
      const chapter = await server.broadcast(ann, { targetType: 'CHAPTER', targetChapterId: 'lagos' });
      const list = await server.broadcast(ann, { targetType: 'CUSTOM', recipients: [dan.userId] });
      const all = await server.broadcast(ann, { targetType: 'ALL' });
      const ids = [];
      for (const [i, place] of [chapter, list, all].entries()) ids.push((await server.send(ann, place, `${i}`)).data._id);
      const got = await Promise.all(clients.map((client) => client.several('broadcast:new', 2)));
      assert.deepEqual(got.map(contents), [['0', '2'], ['0', '2'], ['1', '2']]);
      assert.deepEqual(new Set(got.flat().map(({ _id }) => _id)), new Set(ids));
      assert.ok(got.flat().every(({ isBroadcast }) => isBroadcast));
      close(...clients);
    });
  });
}

describe('fixed: the promises', () => {
  let server;
  before(() => (server = servers.fixed));

  test('two people have one conversation, however many ask at once', async () => {
    const [ann, bob] = [newUser(), newUser()];
    const ids = await Promise.all([ann, bob, ann, bob].map((one) => server.direct(one, one === ann ? bob : ann)));
    assert.equal(new Set(ids).size, 1);
  });

  test('who has one device left is online, on whichever node, and then offline', async () => {
    const [ann, bob] = [newUser(), newUser()];
    const id = await server.direct(ann, bob);
    const a = await server.connect(ann, 1);
    const [phone, laptop] = [await server.connect(bob, 1), await server.connect(bob, 2)];
    await a.several('user:online', 1);
    phone.close();
    const late = await server.connect(ann, 2, id);
    await late.pushed('user:online', ({ userId }) => userId === bob.userId);
    assert.deepEqual((await server.ask(ann, 'GET', `/users/${bob.userId}/online`)).data, { online: true });
    laptop.close();
    assert.deepEqual(await a.several('user:offline', 1), [{ userId: bob.userId }]);
    close(a, late);
  });

  test('a node that is killed leaves nobody online, and nothing unheard', async () => {
    const [ann, bob] = [newUser(), newUser()];
    const id = await server.direct(ann, bob);
    const [a, b] = [await server.connect(ann, 1, id), await server.connect(bob, 2, id)];
    await heard(b, a, id);
    await server.control('kill node 2');
    await a.several('user:offline', 1);
    await server.send(ann, id, 'meanwhile');
    await server.control('start node 2');
    const again = await server.connect(bob, 2, id);
    assert.deepEqual(contents(await server.history(bob, id)), ['meanwhile']);
    await heard(a, again, id);
    await server.send(ann, id, 'after');
    assert.deepEqual(contents(await again.several('message:new', 1)), ['after']);
    close(a, b, again);
  });

  test('when Redis was away, clients are made to come back and read', async () => {
    const [ann, bob] = [newUser(), newUser()];
    const id = await server.direct(ann, bob);
    const [a, b] = [await server.connect(ann, 1, id), await server.connect(bob, 2, id)];
    await heard(a, b, id);
    await server.control('stop redis');
    assert.equal((await server.send(ann, id, 'meanwhile')).status, 201);
    await server.control('start redis');
    await Promise.all([a.ended(), b.ended()]);
    const [a2, b2] = [await server.connect(ann, 1, id), await server.connect(bob, 2, id)];
    assert.deepEqual(contents(await server.history(bob, id)), ['meanwhile']);
    await heard(a2, b2, id);
    await server.send(ann, id, 'after');
    await b2.pushed('message:new', ({ content }) => content === 'after');
    close(a2, b2);
  });

  test('each has their own count, without what they read, deleted or wrote', async () => {
    const people = [newUser('north'), newUser('north'), newUser('north')];
    const [ann, bob, cat] = people;
    const group = await server.group(...people);
    const news = await server.broadcast(ann, { targetType: 'CHAPTER', targetChapterId: 'north' });
    const sent = [];
    for (const place of [group, group, group, news]) sent.push((await server.send(ann, place, 'x')).data._id);
    const before = await server.unread(cat);
    assert.deepEqual([before.direct, (await server.unread(ann)).direct], [3, 0]);
    await Promise.all([server.read(bob, sent[0]), server.read(bob, sent[1], 2), server.read(bob, sent[3])]);
    await server.ask(bob, 'DELETE', `/messages/${sent[2]}`);
    assert.equal((await server.unread(bob)).direct, 0);
    assert.equal((await server.unread(bob)).broadcast, before.broadcast - 1);
    assert.deepEqual(await server.unread(cat), before);
    assert.equal((await server.history(bob, group)).length, 2);
    assert.equal((await server.history(cat, group)).length, 3);
  });

  test('of readers at once each is recorded', async () => {
    const ann = newUser();
    const readers = Array.from({ length: 12 }, () => newUser());
    const news = await server.broadcast(ann, { targetType: 'CUSTOM', recipients: readers.map(({ userId }) => userId) });
    const { data } = await server.send(ann, news, 'read me');
    await Promise.all(readers.flatMap((reader) => [server.read(reader, data._id, 1), server.read(reader, data._id, 2)]));
    const [{ readBy }] = await server.history(ann, news);
    assert.deepEqual(new Set(readBy.map(({ user }) => user)), new Set(readers.map(({ userId }) => userId)));
    assert.equal(readBy.length, 12);
  });

  test('a broadcast is found by those it is meant for, and pages do not move', async () => {
    const [ann, bob, eve] = [newUser(), newUser('south'), newUser('west')];
    const news = await server.broadcast(ann, { targetType: 'CHAPTER', targetChapterId: 'south' });
    for (const content of ['1', '2', '3']) await server.send(ann, news, content);
    assert.deepEqual(contents(await server.history(bob, news, { page: 1, limit: 2 })), ['1', '2']);
    await server.send(ann, news, '4');
    assert.deepEqual(contents(await server.history(bob, news, { page: 2, limit: 2 })), ['3', '4']);
    const list = (await server.ask(bob, 'GET', '/conversations')).data;
    assert.ok(list.some(({ _id }) => _id === news));
    assert.equal((await server.ask(eve, 'GET', `/conversations/${news}/messages`)).status, 403);
    assert.equal((await server.send(bob, news, 'me too')).status, 403);
  });

  test('a stranger hears nothing, and ten thousand characters are ten thousand', async () => {
    const [ann, bob, eve] = [newUser(), newUser(), newUser()];
    const id = await server.direct(ann, bob);
    const e = await server.connect(eve, 2);
    const refused = { success: false, error: 'Not a participant' };
    assert.deepEqual(await e.call('conversation:join', id), refused);
    for (const data of [undefined, null, { $ne: 1 }, 7]) assert.equal((await e.call('conversation:join', data)).success, false);
    assert.equal((await e.call('typing:start', { conversationId: id })).success, false);
    const { data, status } = await server.send(ann, id, '\u{1f600}'.repeat(10_000));
    assert.equal(status, 201);
    assert.equal((await server.read(eve, data._id)).status, 403);
    assert.deepEqual(e.got('message:new'), []);
    e.close();
  });

  test('who drops while typing has stopped', async () => {
    const [ann, bob] = [newUser(), newUser()];
    const id = await server.direct(ann, bob);
    const [a, b] = [await server.connect(ann, 1, id), await server.connect(bob, 2, id)];
    await heard(a, b, id);
    a.close();
    assert.deepEqual(await b.several('typing:stop', 1), [{ conversationId: id, userId: ann.userId }]);
    b.close();
  });
});

describe('as-documented: the traps', () => {
  let server;
  before(() => (server = servers['as-documented']));

  test('find-then-create: two who ask at once have several conversations', async () => {
    let several = false;
    for (let i = 0; i < 100 && !several; i++) {
      const [ann, bob] = [newUser(), newUser()];
      const ids = await Promise.all([ann, bob, ann, bob].map((one) => server.direct(one, one === ann ? bob : ann)));
      several = new Set(ids).size > 1;
    }
    assert.ok(several);
  });

  test('local-presence: who is left on the other node is offline; who was on a killed one stays online', async () => {
    const [ann, bob, cat] = [newUser(), newUser(), newUser()];
    await server.direct(ann, bob);
    await server.direct(ann, cat);
    const a = await server.connect(ann, 1);
    const [phone, laptop] = [await server.connect(bob, 1), await server.connect(bob, 2)];
    await a.several('user:online', 2);
    phone.close();
    assert.deepEqual(await a.several('user:offline', 1), [{ userId: bob.userId }]);
    assert.ok(laptop.socket.connected);
    assert.deepEqual((await server.ask(ann, 'GET', `/users/${bob.userId}/online`)).data, { online: false });

    const c = await server.connect(cat, 2);
    await a.several('user:online', 3);
    await server.control('kill node 2');
    await c.ended();
    await server.control('start node 2');
    // Whoever comes and goes now is told of, and the two of before are not.
    const dan = newUser();
    await server.direct(ann, dan);
    (await server.connect(dan, 2)).close();
    await a.pushed('user:offline', ({ userId }) => userId === dan.userId);
    assert.ok(!a.got('user:offline').some(({ userId }) => userId === cat.userId));
    close(a, laptop);
  });

  test('read-by-race: of readers at once some are lost, and the message stays unread for them', async () => {
    const ann = newUser();
    let lost = [];
    for (let i = 0; i < 20 && lost.length === 0; i++) {
      const readers = Array.from({ length: 12 }, () => newUser());
      const news = await server.broadcast(ann, { targetType: 'CUSTOM', recipients: readers.map(({ userId }) => userId) });
      const { data } = await server.send(ann, news, 'read me');
      await Promise.all(readers.map((reader, at) => server.read(reader, data._id, 1 + (at % 2))));
      const [{ readBy }] = await server.history(ann, news);
      const recorded = readBy.map(({ user }) => user);
      lost = readers.filter(({ userId }) => !recorded.includes(userId));
    }
    assert.notEqual(lost.length, 0);
    assert.ok((await server.unread(lost[0])).broadcast >= 1);
  });

  test('first-reader-reads-for-all, deleted-counts: one reads for the group, and what is deleted stays unread', async () => {
    const people = [newUser(), newUser(), newUser()];
    const [ann, bob, cat] = people;
    const group = await server.group(...people);
    const [first, second] = [(await server.send(ann, group, '1')).data, (await server.send(ann, group, '2')).data];
    await server.read(bob, first._id);
    assert.equal((await server.unread(cat)).direct, 1);
    await server.ask(cat, 'DELETE', `/messages/${second._id}`);
    assert.deepEqual(contents(await server.history(cat, group)), ['1']);
    assert.equal((await server.unread(cat)).direct, 1);
  });

  test('recipients-are-no-participants: whoever missed a broadcast finds it nowhere', async () => {
    const [ann, bob] = [newUser(), newUser()];
    const news = await server.broadcast(ann, { targetType: 'CUSTOM', recipients: [bob.userId] });
    await server.send(ann, news, 'news');
    assert.equal((await server.ask(bob, 'GET', `/conversations/${news}/messages`)).status, 403);
    assert.deepEqual((await server.ask(bob, 'GET', '/conversations')).data, []);
  });

  test('offset-paging: a new message pushes a row to the next page, where it comes again', async () => {
    const [ann, bob] = [newUser(), newUser()];
    const id = await server.direct(ann, bob);
    for (const content of ['1', '2', '3', '4']) await server.send(ann, id, content);
    const first = contents(await server.history(bob, id, { page: 1, limit: 2 }));
    await server.send(ann, id, '5');
    const second = contents(await server.history(bob, id, { page: 2, limit: 2 }));
    assert.equal(first.filter((content) => second.includes(content)).length, 1);
  });

  test('utf16-limit: ten thousand emoji are twenty thousand', async () => {
    const [ann, bob] = [newUser(), newUser()];
    const id = await server.direct(ann, bob);
    assert.equal((await server.send(ann, id, '\u{1f600}'.repeat(5_001))).status, 400);
  });

  test('unchecked-join, unchecked-typing, trusted-read: a stranger listens, types and reads', async () => {
    const [ann, bob, eve] = [newUser(), newUser(), newUser()];
    const id = await server.direct(ann, bob);
    const [a, e] = [await server.connect(ann, 1, id), await server.connect(eve, 2, id)];
    await heard(e, a, id);
    const { data } = await server.send(ann, id, 'for bob');
    assert.deepEqual(contents(await e.several('message:new', 1)), ['for bob']);
    await server.read(eve, data._id);
    assert.equal((await a.several('message:read', 1))[0].readBy.user, eve.userId);
    close(a, e);
  });

  test('typing-forever: who drops while typing never stops', async () => {
    const [ann, bob] = [newUser(), newUser()];
    const id = await server.direct(ann, bob);
    const [a, b] = [await server.connect(ann, 1, id), await server.connect(bob, 2, id)];
    await heard(a, b, id);
    await a.several('user:online', 1);
    a.close();
    await b.several('user:offline', 1);
    assert.deepEqual(b.got('typing:stop'), []);
    b.close();
  });
});
