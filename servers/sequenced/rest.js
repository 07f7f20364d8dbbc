// The HTTP side: a handful of routes. What differs between the modes is asked of `mode`.

import express from 'express';
import { isId } from '../common/ids.js';

/** An answer other than 200, thrown from wherever it is found out. */
export class HttpError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export function api(mode, tokens) {
  const app = express().disable('x-powered-by').disable('etag');
  const routes = express.Router();

  app.get(['/health', '/api/health'], async (_, response) => {
    const { status, ...parts } = await mode.health();
    response.status(status).json(parts);
  });

  routes.use((request, _, next) => {
    const { userId, error } = tokens.callerOf(request);
    if (error) throw new HttpError(401, error);
    request.userId = userId;
    next();
  });
  routes.use(express.json({ limit: '1mb' }));

  routes.post('/conversations', async ({ userId, body }, response) => {
    const members = body?.members;
    if (!Array.isArray(members) || !members.every(isId)) throw new HttpError(400, 'members must be a list of user ids');
    const everyone = [...new Set([userId, ...members])].sort();
    if (everyone.length < 2) throw new HttpError(400, 'A conversation needs somebody else');
    const { made, conversation } = await mode.conversationOf(everyone);
    response.status(made ? 201 : 200).json(conversation);
  });

  routes.get('/conversations/:of', async ({ userId, params }, response) => {
    response.json(await mode.conversations(idIn(params.of), userId));
  });

  routes.get('/contacts/:of', async ({ userId, params }, response) => {
    response.json(await mode.contacts(idIn(params.of), userId));
  });

  routes.get('/messages/:of', async ({ userId, params, query }, response) => {
    const after = Number(query.after ?? 0);
    if (!Number.isSafeInteger(after) || after < 0) throw new HttpError(400, 'after must be a number');
    response.json(await mode.messages(idIn(params.of), userId, after));
  });

  app.use('/api', routes);
  app.use(() => {
    throw new HttpError(404, 'No such route');
  });
  app.use((error, request, response, _) => {
    const status = error.status ?? 500;
    if (status >= 500) console.error(`${request.method} ${request.url}: ${error.stack}`);
    response.status(status).json({ message: status < 500 ? error.message : 'Internal error' });
  });
  return app;
}

function idIn(text) {
  if (!isId(text)) throw new HttpError(400, 'That is no id');
  return text;
}
