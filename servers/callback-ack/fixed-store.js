// MODE=fixed: the tables and queries that keep the design's promises. All of them take batches where the hot path is.

import { keyOf } from '../common/writer.js';
import { HttpError } from './rest.js';
import { Store, wireMessage } from './store.js';

const SCHEMA = `
  ALTER TABLE conversations ADD COLUMN IF NOT EXISTS last_at timestamptz NOT NULL DEFAULT '-infinity';
  CREATE TABLE IF NOT EXISTS messages (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    conversation_id integer NOT NULL REFERENCES conversations (id),
    sender_id integer NOT NULL,
    text text NOT NULL,
    client_message_id text NOT NULL,
    created_at timestamptz NOT NULL,
    UNIQUE (sender_id, client_message_id)
  );
  CREATE INDEX IF NOT EXISTS messages_time ON messages (conversation_id, created_at, id);
  CREATE TABLE IF NOT EXISTS read_receipts (
    message_id integer NOT NULL REFERENCES messages (id),
    user_id integer NOT NULL,
    read_at timestamptz NOT NULL,
    PRIMARY KEY (message_id, user_id)
  );
`;

const MAX_PAGE = 100;

export class FixedStore extends Store {
  createSchema() {
    return super.createSchema(SCHEMA);
  }

  /** For each send, in the order given: is the sender a participant, and which message has the key already? */
  async lookUp(sends) {
    const rows = await this.query(
      'look-up',
      `SELECT joined.user_id IS NOT NULL AS member, stored.id, stored.conversation_id, stored.sender_id, stored.text,
              stored.client_message_id, stored.created_at
       FROM unnest($1::integer[], $2::integer[], $3::text[]) WITH ORDINALITY AS want (conversation_id, sender_id, key, n)
       LEFT JOIN participants joined
         ON joined.conversation_id = want.conversation_id AND joined.user_id = want.sender_id
       LEFT JOIN messages stored ON stored.sender_id = want.sender_id AND stored.client_message_id = want.key
       ORDER BY want.n`,
      [sends.map((s) => s.conversationId), sends.map((s) => s.senderId), sends.map((s) => s.key)],
    );
    return rows.map((row) => ({ member: row.member, stored: row.id === null ? null : wireMessage(row) }));
  }

  /**
   * Stores the sends in one statement, so in one transaction, and answers the stored messages by `sender key`. One
   * that is missing from the answer had its key taken meanwhile.
   *
   * The update of the conversation's row is its lock: of two transactions the second waits there and then sees the
   * first one's `last_at`. Times therefore grow by at least a millisecond from message to message, also when the clock
   * stands still or is set back, and a `since` or a sort by time never meets two alike.
   */
  async insert(sends) {
    const rows = await this.query(
      'insert',
      `WITH want AS (
         SELECT *, row_number() OVER (PARTITION BY conversation_id ORDER BY n) AS place
         FROM unnest($1::integer[], $2::integer[], $3::text[], $4::text[])
              WITH ORDINALITY AS sent (conversation_id, sender_id, key, text, n)
       ), moved AS (
         UPDATE conversations
         SET last_at = greatest(date_trunc('milliseconds', clock_timestamp()), last_at + interval '1 millisecond')
                       + (bunch.size - 1) * interval '1 millisecond'
         FROM (SELECT conversation_id, count(*) AS size FROM want GROUP BY conversation_id) AS bunch
         WHERE conversations.id = bunch.conversation_id
         RETURNING conversations.id, last_at, bunch.size
       )
       INSERT INTO messages (conversation_id, sender_id, client_message_id, text, created_at)
       SELECT want.conversation_id, sender_id, key, text, last_at - (size - place) * interval '1 millisecond'
       FROM want JOIN moved ON moved.id = want.conversation_id
       ORDER BY n
       ON CONFLICT (sender_id, client_message_id) DO NOTHING
       RETURNING *`,
      [
        sends.map((s) => s.conversationId),
        sends.map((s) => s.senderId),
        sends.map((s) => s.key),
        sends.map((s) => s.text),
      ],
    );
    return new Map(rows.map((row) => [keyOf({ senderId: row.sender_id, key: row.client_message_id }), wireMessage(row)]));
  }

  /**
   * Notes who read what. Answers the reads that were allowed; `readAt` is null where nothing is new: read before, or
   * the reader's own message.
   */
  async markRead(reads) {
    const rows = await this.query(
      'mark-read',
      `WITH allowed AS (
         SELECT DISTINCT want.message_id, want.user_id, messages.sender_id
         FROM unnest($1::integer[], $2::integer[]) AS want (message_id, user_id)
         JOIN messages ON messages.id = want.message_id
         JOIN participants joined
           ON joined.conversation_id = messages.conversation_id AND joined.user_id = want.user_id
       ), fresh AS (
         INSERT INTO read_receipts (message_id, user_id, read_at)
         SELECT message_id, user_id, date_trunc('milliseconds', clock_timestamp())
         FROM allowed WHERE user_id <> sender_id
         ON CONFLICT DO NOTHING
         RETURNING message_id, user_id, read_at
       )
       SELECT message_id, user_id, sender_id, read_at FROM allowed LEFT JOIN fresh USING (message_id, user_id)`,
      [reads.map((r) => r.messageId), reads.map((r) => r.userId)],
    );
    return rows.map((row) => ({
      messageId: row.message_id,
      userId: row.user_id,
      senderId: row.sender_id,
      readAt: row.read_at && row.read_at.toISOString(),
    }));
  }

  async conversationIdsOf(userId) {
    const rows = await this.query(
      'conversation-ids-of',
      'SELECT conversation_id AS id FROM participants WHERE user_id = $1',
      [userId],
    );
    return rows.map((row) => row.id);
  }

  /**
   * A page of the history, oldest first. `since` is inclusive: the client merges by id, and asking for the last time it
   * knows can then never skip anything, whatever was stored around that time.
   */
  async history(conversationId, userId, params) {
    const since = readSince(params.get('since'));
    const limit = readLimit(params.get('limit'));
    const member = await this.query(
      'is-member',
      'SELECT 1 FROM participants WHERE conversation_id = $1 AND user_id = $2',
      [conversationId, userId],
    );
    // The same answer for a conversation that does not exist: a stranger is not to learn which ones do.
    if (member.length === 0) throw new HttpError(403, 'Not a participant');
    const rows = await this.query(
      'history',
      `SELECT * FROM messages WHERE conversation_id = $1 AND created_at >= $2
       ORDER BY created_at, id LIMIT $3`,
      [conversationId, since, limit],
    );
    return rows.map(wireMessage);
  }
}

function readSince(text) {
  if (text === null) return '-infinity';
  const time = new Date(text);
  if (Number.isNaN(time.getTime()) || time.getTime() < 0) throw new HttpError(400, 'since must be an ISO-8601 time');
  return time.toISOString();
}

function readLimit(text) {
  if (text === null) return MAX_PAGE;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new HttpError(400, 'limit must be a positive integer');
  return Math.min(Number(text), MAX_PAGE);
}
