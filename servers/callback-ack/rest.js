// The HTTP side: a handful of routes, plain node:http. What differs between the modes is asked of `mode`.

import { isId } from './id.js';

const MAX_BODY = 1 << 20;

/** An answer other than 200, thrown from wherever it is found out. */
export class HttpError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export function restHandler({ store, mode, tokens }) {
  return async (request, response) => {
    let status;
    let body;
    try {
      [status, body] = await route(request);
    } catch (error) {
      if (!(error instanceof HttpError)) console.error(`${request.method} ${request.url}: ${error.message}`);
      status = error.status ?? 500;
      body = { error: error.status ? error.message : 'Internal error' };
    }
    response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
    response.end(JSON.stringify(body));
  };

  async function route(request) {
    const url = new URL(request.url, 'http://localhost');
    const at = `${request.method} ${url.pathname}`;
    if (at === 'GET /health') return health();

    const userId = caller(request);
    if (at === 'POST /api/conversations') return createConversation(userId, await readJson(request));
    if (at === 'GET /api/conversations') return [200, { conversations: await store.conversationsOf(userId) }];

    const history = /^GET \/api\/conversations\/(\d{1,10})\/messages$/.exec(at);
    if (history && isId(Number(history[1]))) {
      return [200, { messages: await mode.history(Number(history[1]), userId, url.searchParams) }];
    }
    throw new HttpError(404, 'No such route');
  }

  async function health() {
    try {
      await store.ping();
      return [200, { status: 'ok' }];
    } catch {
      return [503, { status: 'unavailable' }];
    }
  }

  function caller(request) {
    const { userId, error } = tokens.callerOf(request);
    if (error) throw new HttpError(401, error);
    return userId;
  }

  async function createConversation(userId, body) {
    const { participants, name = null } = body ?? {};
    if (!Array.isArray(participants) || !participants.every(isId)) {
      throw new HttpError(400, 'participants must be an array of user ids');
    }
    if (name !== null && (typeof name !== 'string' || name.length > 200 || name.includes('\0'))) {
      throw new HttpError(400, 'name must be a short string');
    }
    const everyone = [...new Set([userId, ...participants])].sort((a, b) => a - b);
    const conversation = await store.createConversation(name, everyone);
    mode.conversationCreated(conversation);
    return [201, conversation];
  }
}

async function readJson(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MAX_BODY) throw new HttpError(413, 'Body too large');
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new HttpError(400, 'Body is not JSON');
  }
}
