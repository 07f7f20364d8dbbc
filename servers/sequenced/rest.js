// The HTTP side: a handful of routes. What differs between the modes is asked of `mode`.

import { isId } from '../common/ids.js';
import { HttpError, idIn, site } from '../common/site.js';

export function api(mode, tokens) {
  return site({ tokens, base: '/api', errorField: 'message', open, routes });

  function open(app) {
    app.get(['/health', '/api/health'], async (_, response) => {
      const { status, ...parts } = await mode.health();
      response.status(status).json(parts);
    });
  }

  function routes(router) {
    router.post('/conversations', async ({ caller, body }, response) => {
      const members = body?.members;
      if (!Array.isArray(members) || !members.every(isId)) throw new HttpError(400, 'members must be a list of user ids');
      const everyone = [...new Set([caller.userId, ...members])].sort();
      if (everyone.length < 2) throw new HttpError(400, 'A conversation needs somebody else');
      const { made, conversation } = await mode.conversationOf(everyone);
      response.status(made ? 201 : 200).json(conversation);
    });

    router.get('/conversations/:of', async ({ caller, params }, response) => {
      response.json(await mode.conversations(idIn(params.of, isId), caller.userId));
    });

    router.get('/contacts/:of', async ({ caller, params }, response) => {
      response.json(await mode.contacts(idIn(params.of, isId), caller.userId));
    });

    router.get('/messages/:of', async ({ caller, params, query }, response) => {
      const after = Number(query.after ?? 0);
      if (!Number.isSafeInteger(after) || after < 0) throw new HttpError(400, 'after must be a number');
      response.json(await mode.messages(idIn(params.of, isId), caller.userId, after));
    });
  }
}
