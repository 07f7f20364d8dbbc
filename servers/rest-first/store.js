// What both modes keep the same way: the pool, and chats with their participants.

import pg from 'pg';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS chats (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    last_at timestamptz NOT NULL DEFAULT '-infinity',
    n integer GENERATED ALWAYS AS IDENTITY
  );
  CREATE TABLE IF NOT EXISTS participants (
    chat_id uuid NOT NULL REFERENCES chats (id),
    user_id uuid NOT NULL,
    PRIMARY KEY (chat_id, user_id)
  );
  CREATE INDEX IF NOT EXISTS participants_user ON participants (user_id);
  CREATE TABLE IF NOT EXISTS messages (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    chat_id uuid NOT NULL REFERENCES chats (id),
    sender_id uuid NOT NULL,
    content text NOT NULL,
    message_type text NOT NULL,
    temp_id text,
    status text NOT NULL DEFAULT 'sent',
    created_at timestamptz NOT NULL DEFAULT date_trunc('milliseconds', clock_timestamp())
  );
  CREATE INDEX IF NOT EXISTS messages_time ON messages (chat_id, created_at DESC);
  CREATE TABLE IF NOT EXISTS hidden (
    message_id uuid NOT NULL REFERENCES messages (id),
    user_id uuid NOT NULL,
    PRIMARY KEY (message_id, user_id)
  );
  CREATE TABLE IF NOT EXISTS reads (
    message_id uuid NOT NULL REFERENCES messages (id),
    user_id uuid NOT NULL,
    PRIMARY KEY (message_id, user_id)
  );
`;

export class Store {
  constructor(url) {
    this.pool = new pg.Pool({ connectionString: url, max: 10, connectionTimeoutMillis: 5000 });
    // An idle connection that breaks is replaced at the next query; without a listener it would end the process.
    this.pool.on('error', (error) => console.error(`database: ${error.message}`));
  }

  async query(text, values) {
    return (await this.pool.query(text, values)).rows;
  }

  async createSchema(ofMode = '') {
    await this.pool.query(SCHEMA + ofMode);
  }

  async ping() {
    await this.pool.query('SELECT 1');
  }

  /** All rows or none: one statement. */
  async createChat(participantIds) {
    const rows = await this.query(
      `WITH made AS (INSERT INTO chats DEFAULT VALUES RETURNING id)
       INSERT INTO participants (chat_id, user_id) SELECT made.id, unnest($1::uuid[]) FROM made RETURNING chat_id`,
      [participantIds],
    );
    return { id: rows[0].chat_id, participantIds };
  }

  /** A page of the user's chats, the oldest first, so that a new one moves none from page to page. */
  chatsOf(userId, { page, limit }) {
    return this.query(
      `SELECT chats.id, array_agg(everybody.user_id) AS "participantIds"
       FROM participants mine
       JOIN chats ON chats.id = mine.chat_id
       JOIN participants everybody ON everybody.chat_id = chats.id
       WHERE mine.user_id = $1 GROUP BY chats.id, chats.n ORDER BY chats.n LIMIT $2 OFFSET $3`,
      [userId, limit, (page - 1) * limit],
    );
  }

  async chatIdsOf(userId) {
    return (await this.query('SELECT chat_id AS id FROM participants WHERE user_id = $1', [userId])).map(({ id }) => id);
  }

  async participantsOf(chatId) {
    return (await this.query('SELECT user_id AS id FROM participants WHERE chat_id = $1', [chatId])).map(({ id }) => id);
  }

  async isParticipant(chatId, userId) {
    const rows = await this.query('SELECT 1 FROM participants WHERE chat_id = $1 AND user_id = $2', [chatId, userId]);
    return rows.length > 0;
  }

  async message(id) {
    const rows = await this.query('SELECT * FROM messages WHERE id = $1', [id]);
    return rows[0] ? wireMessage(rows[0]) : null;
  }

  /** What of a chat its reader had not read yet, and not sent: the messages' ids and senders, in their order. */
  markRead(chatId, userId) {
    return this.query(
      `WITH fresh AS (
         INSERT INTO reads (message_id, user_id)
         SELECT id, $2 FROM messages WHERE chat_id = $1 AND sender_id <> $2
         ON CONFLICT DO NOTHING RETURNING message_id
       )
       UPDATE messages SET status = 'read' FROM fresh WHERE id = message_id
       RETURNING id, sender_id AS "senderId", created_at`,
      [chatId, userId],
    );
  }

  async close() {
    await this.pool.end();
  }
}

/** A row of `messages` as it goes over the wire. */
export function wireMessage(row) {
  return {
    id: row.id,
    chatId: row.chat_id,
    senderId: row.sender_id,
    content: row.content,
    messageType: row.message_type,
    ...(row.temp_id && { tempId: row.temp_id }),
    status: row.status,
    createdAt: row.created_at.toISOString(),
  };
}
