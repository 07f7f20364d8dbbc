// The parts that all servers share, where the wire cannot show what they do.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Limiter } from './limiter.js';
import { isLongerThan, isStorable } from './text.js';
import { Writer } from './writer.js';

describe('the writer', () => {
  const stored = new Map();
  const store = {
    breaks: false,
    lookUp: async (sends) => sends.map(({ key }) => ({ member: true, stored: stored.get(key) ?? null })),
    async insert(sends) {
      for (const { senderId, key } of sends) stored.set(key, { id: stored.size + 1, senderId, key });
      if (this.breaks) throw new Error('on purpose: the connection broke after the commit');
      return new Map([...stored.values()].map((message) => [`${message.senderId} ${message.key}`, message]));
    },
  };

  test('a message whose insert failed to answer is announced when its key comes again', async () => {
    const announced = [];
    const writer = new Writer({ store, announce: (message) => announced.push(message.id) });
    const send = async (key) => {
      const fate = await new Promise((reply) => writer.push({ senderId: 7, key, at: 0, reply }));
      return fate.error ?? fate.message.id;
    };
    store.breaks = true;
    assert.equal(await send('a'), 'Storage unavailable');
    assert.deepEqual(announced, []);
    store.breaks = false;
    assert.deepEqual(await Promise.all([send('a'), send('a'), send('b')]), [1, 1, 2]);
    await send('a');
    assert.deepEqual(announced, [1, 2]);
  });
});

test('the window slides, and each user has their own', () => {
  const limiter = new Limiter({ limit: 2, windowMs: 1000 });
  assert.deepEqual([0, 500, 999, 1000, 1001].map((at) => limiter.take('ann', at)), [true, true, false, true, false]);
  assert.ok(limiter.take('bob', 1001));
});

test('a text is measured in characters, and comes back as it went in', () => {
  assert.ok(!isLongerThan('\u{1f600}'.repeat(10), 10));
  assert.ok(isLongerThan('\u{1f600}'.repeat(11), 10));
  assert.deepEqual(['a', 'a\0', '\ud800', 7].map(isStorable), [true, false, false, false]);
});
