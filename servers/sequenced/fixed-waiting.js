// Who has to hear what when they are back: in Redis, for MODE=fixed.
//
//   queue:{userId}    a hash: for each conversation the number of the first message that waits
//
// The messages themselves are in the store. If Redis loses this, nothing is lost but the push: a client that comes back
// reads what it missed.

export class Waiting {
  constructor(redis, sessions) {
    Object.assign(this, { redis, sessions });
  }

  /** Of these members the ones that are on no node shall hear of the message later. */
  async note({ _id, members }, { sequenceNumber }) {
    const away = await this.sessions.offline(members);
    if (away.length === 0) return;
    await away.reduce((m, userId) => m.hsetnx(`queue:${userId}`, _id, sequenceNumber), this.redis.multi()).exec();
  }

  /** What has waited for a user, by conversation. It waits no more. */
  async take(userId) {
    const [[, all]] = await this.redis.multi().hgetall(`queue:${userId}`).del(`queue:${userId}`).exec();
    return new Map(Object.entries(all).map(([conversationId, first]) => [conversationId, Number(first)]));
  }
}
