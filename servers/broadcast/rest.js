// The HTTP side: everything that is stored goes through here. What differs between the modes is asked of `mode`.

import { isId } from '../common/ids.js';
import { HttpError, idIn, site } from '../common/site.js';

const TARGETS = ['ALL', 'CHAPTER', 'CUSTOM'];
const MAX_PAGE = 50;

export function api(mode, tokens) {
  return site({ tokens, base: '/api/v1', open, routes });

  function open(app) {
    app.get(['/health', '/api/v1/health'], async (_, response) => {
      const isWell = await mode.isWell();
      response.status(isWell ? 200 : 503).json({ status: isWell ? 'ok' : 'unavailable' });
    });
  }

  function routes(router) {
    router.post('/conversations/direct', async ({ caller, body }, response) => {
      const other = body?.userId;
      if (!isId(other)) throw new HttpError(400, 'userId must be the id of a user');
      if (other === caller.userId) throw new HttpError(400, 'Nobody has a conversation with themselves');
      const { made, conversation } = await mode.directConversation(caller.userId, other);
      response.status(made ? 201 : 200).json({ data: conversation });
    });

    router.post('/conversations', async ({ caller, body }, response) => {
      response.status(201).json({ data: await mode.newConversation(wanted(caller.userId, body)) });
    });

    router.get('/conversations', async ({ caller }, response) => {
      response.json({ data: await mode.conversations(caller) });
    });

    router.post('/conversations/:id/messages', async ({ caller, params, body }, response) => {
      const { content, media = [] } = body ?? {};
      if (!Array.isArray(media)) throw new HttpError(400, 'media must be a list');
      response.status(201).json({ data: await mode.send(caller, idIn(params.id, isId), { content, media }) });
    });

    router.get('/conversations/:id/messages', async ({ caller, params, query }, response) => {
      const page = countIn(query.page, 1, 'page');
      const limit = Math.min(countIn(query.limit, MAX_PAGE, 'limit'), MAX_PAGE);
      response.json({ data: await mode.messages(caller, idIn(params.id, isId), { page, limit }) });
    });

    router.get('/messages/unread-count', async ({ caller }, response) => {
      const { direct, broadcast } = await mode.unread(caller);
      response.json({ data: { total: direct + broadcast, direct, broadcast } });
    });

    router.put('/messages/:id/read', async ({ caller, params }, response) => {
      await mode.read(caller, idIn(params.id, isId));
      response.json({ success: true });
    });

    router.delete('/messages/:id', async ({ caller, params }, response) => {
      await mode.hide(caller, idIn(params.id, isId));
      response.status(200).json({ success: true });
    });

    router.get('/users/:id/online', async ({ params }, response) => {
      response.json({ data: { online: await mode.isOnline(idIn(params.id, isId)) } });
    });
  }
}

/** A group or a broadcast, as it is stored. A broadcast lists nobody but its creator. */
function wanted(creator, body) {
  const { type, name = null, participants, targetType, targetChapterId, recipients } = body ?? {};
  if (name !== null && typeof name !== 'string') throw new HttpError(400, 'name must be a string');
  if (type === 'GROUP') {
    if (!isListOfIds(participants)) throw new HttpError(400, 'participants must be a list of user ids');
    const everyone = [...new Set([creator, ...participants])];
    if (everyone.length < 2) throw new HttpError(400, 'A group needs somebody else');
    return { type, name, participants: everyone };
  }
  if (type !== 'BROADCAST') throw new HttpError(400, 'type must be GROUP or BROADCAST');
  if (!TARGETS.includes(targetType)) throw new HttpError(400, `targetType must be one of ${TARGETS.join(', ')}`);
  const broadcast = { type, name, participants: [creator], targetType };
  if (targetType === 'CHAPTER') {
    if (typeof targetChapterId !== 'string' || targetChapterId === '') throw new HttpError(400, 'targetChapterId is missing');
    return { ...broadcast, targetChapterId };
  }
  if (targetType === 'CUSTOM') {
    if (!isListOfIds(recipients) || recipients.length === 0) throw new HttpError(400, 'recipients must be a list of user ids');
    return { ...broadcast, recipients: [...new Set(recipients)] };
  }
  return broadcast;
}

function isListOfIds(value) {
  return Array.isArray(value) && value.every(isId);
}

function countIn(text, unless, name) {
  if (text === undefined) return unless;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new HttpError(400, `${name} must be a number from 1 on`);
  return Number(text);
}
