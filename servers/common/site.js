// The frame of a server's HTTP side on Express: who calls, bodies in JSON, and errors as JSON.

import express from 'express';

/** An answer other than 200, thrown from wherever it is found out. */
export class HttpError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/**
 * An application whose routes under `base` are for callers with a token: `routes(router)` adds them, and each finds what the
 * token claims in `request.caller`. `open(app)` adds those for everybody. The text of an error is in the field `errorField`.
 */
export function site({ tokens, base, open, routes, errorField = 'error' }) {
  const app = express().disable('x-powered-by').disable('etag');
  const router = express.Router();
  open?.(app);
  router.use((request, _, next) => {
    const { claims, error } = tokens.callerOf(request);
    if (error) throw new HttpError(401, error);
    request.caller = claims;
    next();
  });
  router.use(express.json({ limit: '1mb' }));
  routes(router);
  app.use(base, router);
  app.use(() => {
    throw new HttpError(404, 'No such route');
  });
  app.use((error, request, response, _) => {
    const status = error.status ?? 500;
    if (status >= 500) console.error(`${request.method} ${request.url}: ${error.stack}`);
    response.status(status).json({ [errorField]: status < 500 ? error.message : 'Internal error' });
  });
  return app;
}

/** An id from a path, if it is one. */
export function idIn(text, isId) {
  if (!isId(text)) throw new HttpError(400, 'That is no id');
  return text;
}
