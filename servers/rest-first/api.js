// The HTTP side, Express. What differs between the modes is asked of `mode`; who throws a `Refusal` is told why.

import express from 'express';
import { isStorable } from '../common/text.js';
import { isId } from './id.js';

const MAX_MEMBERS = 1000;

/** An answer other than success, thrown from wherever it is found out. */
export class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export function api({ store, mode, tokens }) {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.get('/health', async (request, response) => {
    await store.ping();
    response.json({ status: 'ok' });
  });

  const chats = express.Router();
  app.use('/api/v1/chats', chats);
  chats.use((request, response, next) => {
    const { userId, error } = tokens.callerOf(request);
    if (error) throw new Refusal(401, error);
    request.userId = userId;
    next();
  });
  chats.use(express.json({ limit: '1mb' }));
  chats.param('chat', (request, response, next, id) => next(isId(id) ? undefined : new Refusal(404, 'No such chat')));

  chats.post('/', async ({ userId, body }, response) => {
    const { participantIds } = body ?? {};
    if (!Array.isArray(participantIds) || participantIds.length > MAX_MEMBERS || !participantIds.every(isId)) {
      throw new Refusal(400, 'participantIds must be a list of ids');
    }
    const chat = await store.createChat([...new Set([userId, ...participantIds])]);
    mode.chatCreated(chat);
    response.status(201).json(chat);
  });
  chats.get('/', async ({ userId, query }, response) => {
    const page = pageOf(query, 20);
    response.json({ chats: await store.chatsOf(userId, page), ...page });
  });
  chats.get('/messages/search', async ({ userId, query }, response) => {
    if (!isStorable(query.query) || query.query === '') throw new Refusal(400, 'query must be a text');
    if (query.conversationId !== undefined && !isId(query.conversationId)) throw new Refusal(404, 'No such chat');
    const page = pageOf(query, 50);
    response.json({ messages: await store.search(userId, query.query, query.conversationId ?? null, page), ...page });
  });
  chats.post('/:chat/messages', async ({ userId, params, body }, response) => {
    response.status(201).json(await mode.post(userId, params.chat, body ?? {}));
  });
  chats.get('/:chat/messages', async ({ userId, params, query }, response) => {
    const page = pageOf(query, 20);
    response.json({ messages: await store.messagesOf(params.chat, userId, page), ...page });
  });
  chats.delete('/:chat/messages/:message', async ({ userId, params }, response) => {
    if (!isId(params.message)) throw new Refusal(404, 'No such message');
    await store.hide(params.chat, params.message, userId);
    response.status(204).end();
  });
  chats.post('/:chat/read', async ({ userId, params }, response) => {
    await mode.read(userId, params.chat);
    response.status(204).end();
  });

  app.use((request, response) => response.status(404).json({ error: 'No such route' }));
  app.use((error, request, response, next) => {
    if (!error.status) console.error(`${request.method} ${request.url}: ${error.stack}`);
    const health = request.path === '/health';
    response.status(error.status ?? (health ? 503 : 500)).json({ error: error.status ? error.message : 'Internal error' });
  });
  return app;
}

function pageOf({ page = '1', limit }, usual) {
  const number = (text) => (/^[1-9]\d{0,5}$/.test(text) ? Number(text) : null);
  const [at, rows] = [number(page), number(limit ?? `${usual}`)];
  if (!at || !rows) throw new Refusal(400, 'page and limit must be positive numbers');
  return { page: at, limit: Math.min(rows, 100) };
}
