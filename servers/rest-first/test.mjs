// Runs `start` as anybody else would and talks to it over the wire, with the official client. Nothing here sleeps to be in
// step: every wait is for something that happens.

import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import * as common from '../common/testing.js';
import { texts, tokenOf } from '../common/testing.js';

const users = (count) => Array.from({ length: count }, () => crypto.randomUUID());

class Server extends common.Server {
  static start(mode, options) {
    return super.start(import.meta.dirname, mode, options);
  }

  async chat(...participants) {
    const made = await this.call(participants[0], 'POST', '/api/v1/chats', { participantIds: participants });
    assert.equal(made.status, 201);
    return made.id;
  }

  post(userId, chatId, content, tempId) {
    return this.call(userId, 'POST', `/api/v1/chats/${chatId}/messages`, { content, messageType: 'text', tempId });
  }

  page(userId, chatId, query = {}) {
    return this.call(userId, 'GET', `/api/v1/chats/${chatId}/messages?${new URLSearchParams(query)}`);
  }

  async search(userId, query, more = {}) {
    const found = await this.call(userId, 'GET', `/api/v1/chats/messages/search?${new URLSearchParams({ query, ...more })}`);
    return found.messages?.map(({ content }) => content) ?? found.status;
  }

  /** Status only: such answers have no body. */
  async tell(userId, method, route) {
    const headers = { authorization: `Bearer ${tokenOf(userId)}` };
    return (await fetch(`${this.url}/api/v1/chats/${route}`, { method, headers })).status;
  }

  /** Clients that have joined the chat, as far as the server lets them. */
  async join(chatId, ...ids) {
    const clients = await Promise.all(ids.map((id) => this.connect(id)));
    for (const client of clients) client.emit('join_chat', { chatId });
    return clients;
  }
}

const contents = (client) => client.got('new_message').map(({ content }) => content);

/** They have joined, and have been told whatever there was to tell before: here comes an answer to what each asks for now. */
async function settled(chatId, ...clients) {
  for (const client of clients) {
    client.emit('join_chat', { chatId });
    const before = client.got('typing').length;
    client.emit('typing_start', { chatId });
    await client.several('typing', before + 1);
  }
}

function closeAll(...clients) {
  for (const client of clients) client.close();
}

for (const mode of ['fixed', 'as-documented']) {
  test(`${mode}: the wire`, async () => {
    const server = await Server.start(mode);
    try {
      assert.equal(await server.refusal({}), 'Authentication token required');
      assert.equal(await server.refusal({ auth: { token: tokenOf('7') } }), 'Invalid or expired token');
      assert.equal((await fetch(`${server.url}/api/v1/chats`)).status, 401);
      assert.deepEqual(await (await fetch(`${server.url}/health`)).json(), { status: 'ok' });

      const [ann, bob] = users(2);
      const chatId = await server.chat(ann, bob);
      const [a, b] = await server.join(chatId, ann, bob);
      await settled(chatId, a, b);
      assert.deepEqual(await a.pushed('typing', ({ userIds }) => userIds.length === 2), { chatId, userIds: [ann, bob] });
      for (const client of [a, b]) client.emit('typing_stop', { chatId });
      await a.pushed('typing', ({ userIds }) => userIds.length === 0);

      const { status, ...posted } = await server.post(ann, chatId, 'by REST');
      a.emit('message_sent_notification', { messageId: posted.id, conversationId: chatId });
      a.emit('send_message', { chatId, content: 'by socket' });
      await b.pushed('new_message', ({ content }) => content === 'by socket');
      await b.pushed('new_message', ({ content }) => content === 'by REST');
      const { messages } = await server.page(bob, chatId);
      assert.deepEqual(new Set(messages.map(({ content }) => content)), new Set(['by REST', 'by socket']));
      const { id, senderId, content, createdAt } = messages.find((message) => message.id === posted.id);
      assert.deepEqual([id, senderId, content, createdAt], [posted.id, ann, 'by REST', posted.createdAt]);
      assert.match(createdAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

      assert.equal(await server.tell(bob, 'POST', `${chatId}/read`), 204);
      await a.pushed('message_read', ({ messageId, userId }) => messageId === posted.id && userId === bob);
      await a.pushed('message_status', (told) => told.messageId === posted.id && told.status === 'read');
      assert.deepEqual(await server.search(bob, 'y rest'), ['by REST']);
      assert.equal(await server.tell(bob, 'DELETE', `${chatId}/messages/${posted.id}`), 204);
      assert.deepEqual((await server.page(bob, chatId)).messages.map((message) => message.content), ['by socket']);
      assert.deepEqual((await server.call(bob, 'GET', '/api/v1/chats')).chats.map((chat) => chat.id), [chatId]);
      closeAll(a, b);
    } finally {
      await server.stop();
    }
  });
}

describe('fixed: the promises', () => {
  let server;
  before(async () => (server = await Server.start('fixed')));
  after(() => server.stop());

  test('one message under one name, on whichever channel and however often', async () => {
    const [ann, bob] = users(2);
    const chatId = await server.chat(ann, bob);
    const [a, b] = await server.join(chatId, ann, bob);
    const send = () => a.emit('send_message', { chatId, content: 'x', tempId: 'temp_1' });
    send();
    const posted = await Promise.all([server.post(ann, chatId, 'x', 'temp_1'), server.post(ann, chatId, 'x', 'temp_1')]);
    send();
    assert.equal(posted[0].id, posted[1].id);
    assert.notEqual((await server.post(bob, chatId, 'y', 'temp_1')).id, posted[0].id);
    await server.post(ann, chatId, 'z');
    await server.post(ann, chatId, 'z');
    assert.deepEqual((await b.several('new_message', 4)).map(({ content }) => content), ['x', 'y', 'z', 'z']);
    assert.equal((await server.page(ann, chatId)).messages.length, 4);
    // The sender has its echo for a repetition over the socket, too: nothing else would answer it.
    await a.until(() => contents(a).filter((content) => content === 'x').length >= 2, 'an echo of the repetition');
    closeAll(a, b);
  });

  test('the server tells of what came over HTTP, and of nothing because somebody says so', async () => {
    const [ann, bob, eve] = users(3);
    const chatId = await server.chat(ann, bob);
    const evil = await server.chat(eve);
    const [b] = await server.join(chatId, bob);
    const [e] = await server.join(evil, eve);
    const { id } = await server.post(ann, chatId, 'x');
    await b.pushed('new_message', (message) => message.id === id);
    for (const conversationId of [chatId, evil]) e.emit('message_sent_notification', { messageId: id, conversationId });
    await e.several('error', 2);
    assert.deepEqual(contents(e), []);
    closeAll(b, e);
  });

  test('a stranger is refused on each event and route', async () => {
    const [ann, eve] = users(2);
    const chatId = await server.chat(ann);
    const { id } = await server.post(ann, chatId, 'secret');
    const [e] = await server.join(chatId, eve);
    e.emit('send_message', { chatId, content: 'x' });
    e.emit('typing_start', { chatId });
    await e.several('error', 3);
    assert.equal((await server.post(eve, chatId, 'x')).status, 403);
    assert.equal((await server.page(eve, chatId)).status, 403);
    assert.equal(await server.tell(eve, 'POST', `${chatId}/read`), 403);
    assert.equal(await server.tell(eve, 'DELETE', `${chatId}/messages/${id}`), 403);
    assert.deepEqual(await server.search(eve, 'secret'), []);
    assert.equal(await server.search(eve, 'secret', { conversationId: chatId }), 403);
    e.close();
  });

  test('pages stand still while messages arrive, and are the history once', async () => {
    const ann = crypto.randomUUID();
    const chatId = await server.chat(ann);
    for (const text of texts(10)) await server.post(ann, chatId, text);
    const read = [];
    for (let page = 1; ; page++) {
      const { messages } = await server.page(ann, chatId, { page, limit: 4 });
      read.push(...messages);
      if (page < 3) await server.post(ann, chatId, `later ${page}`);
      if (messages.length < 4) break;
    }
    assert.deepEqual(read.map(({ content }) => content), [...texts(10), 'later 1', 'later 2']);
    assert.equal(new Set(read.map(({ createdAt }) => createdAt)).size, read.length);
    assert.equal((await server.page(ann, chatId, { page: 0 })).status, 400);
  });

  test('all of a reader\'s devices hear of a reading, once, and a status goes forward', async () => {
    const [ann, bob] = users(2);
    const chatId = await server.chat(ann, bob);
    const [a, phone, laptop] = await server.join(chatId, ann, bob, bob);
    const { id } = await server.post(ann, chatId, 'x');
    await a.pushed('message_status', ({ status }) => status === 'delivered');
    for (const _ of [1, 2]) assert.equal(await server.tell(bob, 'POST', `${chatId}/read`), 204);
    for (const client of [a, phone, laptop]) await client.pushed('message_read', ({ messageId }) => messageId === id);
    await settled(chatId, laptop);
    assert.equal(laptop.got('message_read').length, 1);
    assert.deepEqual(laptop.got('message_status').map(({ status }) => status), ['delivered', 'read']);
    closeAll(a, phone, laptop);
  });

  test('any payload is answered with an error, and survived', async () => {
    const ann = crypto.randomUUID();
    const chatId = await server.chat(ann);
    const a = await server.connect(ann);
    for (const content of ['', 7, null, {}, 'a\0b', '\ud800', undefined]) {
      assert.equal((await server.post(ann, chatId, content)).status, 400);
      a.emit('send_message', { chatId, content });
    }
    for (const payload of [undefined, null, 7, 'x', [], {}, { chatId: 'x' }]) {
      for (const event of ['join_chat', 'send_message', 'message_sent_notification', 'typing_start']) a.emit(event, payload);
    }
    await a.several('error', 7 + 4 * 7);
    assert.equal((await server.post(ann, 'nonsense', 'x')).status, 404);
    const odd = await fetch(`${server.url}/api/v1/chats`, {
      method: 'POST',
      headers: { authorization: `Bearer ${tokenOf(ann)}`, 'content-type': 'application/json' },
      body: '{',
    });
    assert.equal(odd.status, 400);
    a.close();
  });
});

describe('as-documented: the traps', () => {
  let server;
  before(async () => (server = await Server.start('as-documented')));
  after(() => server.stop());

  test('dual-channel, post-not-idempotent: what is sent twice is stored twice', async () => {
    const ann = crypto.randomUUID();
    const chatId = await server.chat(ann);
    const [a] = await server.join(chatId, ann);
    await server.post(ann, chatId, 'x', 'temp_1');
    await server.post(ann, chatId, 'x', 'temp_1');
    a.emit('send_message', { chatId, content: 'x', tempId: 'temp_1' });
    await a.several('new_message', 1);
    assert.equal((await server.page(ann, chatId)).messages.length, 3);
    a.close();
  });

  test('client-announces: nobody is told of what came over HTTP', async () => {
    const [ann, bob] = users(2);
    const chatId = await server.chat(ann, bob);
    const [b] = await server.join(chatId, bob);
    await server.post(ann, chatId, 'x');
    await settled(chatId, b);
    assert.deepEqual(contents(b), []);
    b.close();
  });

  test('foreign-announcement: a stranger has a message told to a chat of their own', async () => {
    const [ann, eve] = users(2);
    const { id } = await server.post(ann, await server.chat(ann), 'secret');
    const evil = await server.chat(eve);
    const [e] = await server.join(evil, eve);
    e.emit('message_sent_notification', { messageId: id, conversationId: evil });
    await e.pushed('new_message', ({ content }) => content === 'secret');
    e.close();
  });

  test('unchecked-socket, unchecked-history, search-leak, search-wildcards: a stranger may do all of it', async () => {
    const [ann, eve] = users(2);
    const chatId = await server.chat(ann);
    const [a, e] = await server.join(chatId, ann, eve);
    await settled(chatId, a);
    e.emit('typing_start', { chatId });
    await a.pushed('typing', ({ userIds }) => userIds.includes(eve));
    e.emit('send_message', { chatId, content: 'unasked' });
    await a.pushed('new_message', ({ senderId }) => senderId === eve);
    await e.pushed('new_message', () => true);
    assert.equal((await server.page(eve, chatId)).messages.length, 1);
    assert.deepEqual(await server.search(crypto.randomUUID(), 'un_sked'), ['unasked']);
    closeAll(a, e);
  });

  test('page-drift: a row stands on two pages', async () => {
    const ann = crypto.randomUUID();
    const chatId = await server.chat(ann);
    for (const text of texts(4)) await server.post(ann, chatId, text);
    const first = (await server.page(ann, chatId, { page: 1, limit: 2 })).messages;
    await server.post(ann, chatId, 'new');
    const second = (await server.page(ann, chatId, { page: 2, limit: 2 })).messages;
    assert.equal(first[1].id, second[0].id);
  });

  test('no-tie-break: messages of one millisecond', async () => {
    const ann = crypto.randomUUID();
    const chatId = await server.chat(ann);
    let times = [];
    for (let i = 0; i < 50 && new Set(times).size === times.length; i++) {
      await Promise.all(texts(20).map((text) => server.post(ann, chatId, text)));
      times = (await server.page(ann, chatId, { limit: 100 })).messages.map(({ createdAt }) => createdAt);
    }
    assert.ok(new Set(times).size < times.length);
  });

  test('memory-queue: of two who were offline the first one takes the message from the other', async () => {
    const [ann, bob, cem] = users(3);
    const chatId = await server.chat(ann, bob, cem);
    await server.post(ann, chatId, 'x');
    const b = await server.connect(bob);
    await b.pushed('new_message', () => true);
    const [c] = await server.join(chatId, cem);
    await settled(chatId, c);
    assert.deepEqual(contents(c), []);
    closeAll(b, c);
  });

  test('read-on-one-device: the reader\'s other device does not hear of it', async () => {
    const [ann, bob] = users(2);
    const chatId = await server.chat(ann, bob);
    const [a, laptop] = await server.join(chatId, ann, bob);
    await settled(chatId, a, laptop);
    await server.post(ann, chatId, 'x');
    await server.tell(bob, 'POST', `${chatId}/read`);
    await a.pushed('message_read', () => true);
    await settled(chatId, laptop);
    assert.deepEqual(laptop.got('message_read'), []);
    closeAll(a, laptop);
  });

  test('unchecked-content: a number is stored as a text', async () => {
    const ann = crypto.randomUUID();
    const posted = await server.post(ann, await server.chat(ann), 7);
    assert.deepEqual([posted.content, (await server.post(ann, posted.chatId, '')).content], ['7', '']);
  });
});

test('what was answered survives a kill -9, and nothing is left behind', async () => {
  const temp = await mkdtemp(path.join(tmpdir(), 'rest-test.'));
  // PostgreSQL's user has to pass through.
  await chmod(temp, 0o711);
  const data = path.join(temp, 'data');
  const ann = crypto.randomUUID();
  let server = await Server.start('fixed', { data, temp });
  const chatId = await server.chat(ann);
  for (const [count, signal] of [[1, 'SIGKILL'], [2, 'SIGTERM']]) {
    const { id } = await server.post(ann, chatId, 'x', `temp_${count}`);
    // No waiting for the end of the first: the second has to cope with what is still there.
    const ended = server.stop(signal);
    const next = await Server.start('fixed', { data, temp });
    await ended;
    server = next;
    assert.equal((await server.page(ann, chatId)).messages.length, count);
    assert.equal((await server.post(ann, chatId, 'x', `temp_${count}`)).id, id);
  }
  assert.equal(await server.stop(), 143);
  assert.deepEqual(await readdir(temp), ['data']);
  await rm(temp, { recursive: true });
});
