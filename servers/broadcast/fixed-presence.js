// Who is online, on whichever node, in MODE=fixed: whoever has a session. Partners are told when that changes.

import { Sessions } from '../common/sessions.js';

// Who is back within this time was not away.
const GRACE_MS = 300;

export class Presence {
  #pending = new Set();

  /** `tell(userId, event)` tells the user's partners. */
  constructor(redis, tell) {
    this.tell = tell;
    this.sessions = new Sessions(redis, {
      onLost: (userIds) => userIds.forEach((userId) => this.#perhapsGone(userId)),
      onReturn: (userIds) => userIds.forEach((userId) => this.tell(userId, 'user:online')),
    });
  }

  async open() {
    await this.sessions.open().catch(unheard);
  }

  async arrive({ id, data }) {
    if (await this.sessions.begin(data.userId, id).catch(unheard)) await this.tell(data.userId, 'user:online');
  }

  async leave({ id, data }) {
    if (!(await this.sessions.end(data.userId, id).catch(unheard))) return;
    const timer = setTimeout(() => {
      this.#pending.delete(timer);
      this.#perhapsGone(data.userId);
    }, GRACE_MS);
    this.#pending.add(timer);
  }

  async online(userIds) {
    const offline = await this.sessions.offline(userIds).catch(() => userIds);
    return userIds.filter((userId) => !offline.includes(userId));
  }

  async close() {
    for (const timer of this.#pending) clearTimeout(timer);
    await this.sessions.close().catch(unheard);
  }

  async #perhapsGone(userId) {
    if ((await this.online([userId])).length > 0) return;
    await this.tell(userId, 'user:offline');
    // The user may have come on another node while that was said, and been told of first.
    if ((await this.online([userId])).length > 0) await this.tell(userId, 'user:online');
  }
}

// Redis is away: what could not be told is told when it is back.
function unheard() {}
