// What both modes keep the same way: the pool, and conversations with their participants.

import pg from 'pg';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS conversations (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text
  );
  CREATE TABLE IF NOT EXISTS participants (
    conversation_id integer NOT NULL REFERENCES conversations (id),
    user_id integer NOT NULL,
    PRIMARY KEY (conversation_id, user_id)
  );
  CREATE INDEX IF NOT EXISTS participants_user ON participants (user_id);
`;

export class Store {
  constructor(url) {
    this.pool = new pg.Pool({ connectionString: url, max: 10, connectionTimeoutMillis: 5000 });
    // An idle connection that breaks is replaced at the next query; without a listener it would end the process.
    this.pool.on('error', (error) => console.error(`database: ${error.message}`));
  }

  /** A prepared statement: parsed once per connection and named, so that the hot path skips the planner's front end. */
  async query(name, text, values) {
    return (await this.pool.query({ name, text, values })).rows;
  }

  async createSchema(ofMode) {
    await this.pool.query(SCHEMA + ofMode);
  }

  async ping() {
    await this.pool.query('SELECT 1');
  }

  /** Both rows or none: one statement. */
  async createConversation(name, participants) {
    const rows = await this.query(
      'create-conversation',
      `WITH made AS (INSERT INTO conversations (name) VALUES ($1) RETURNING id)
       INSERT INTO participants (conversation_id, user_id)
       SELECT made.id, joined.user_id FROM made, unnest($2::integer[]) AS joined (user_id)
       RETURNING conversation_id`,
      [name, participants],
    );
    return { id: rows[0].conversation_id, participants };
  }

  async conversationsOf(userId) {
    return this.query(
      'conversations-of',
      `SELECT conversation_id AS id, array_agg(user_id ORDER BY user_id) AS participants
       FROM participants
       WHERE conversation_id IN (SELECT conversation_id FROM participants WHERE user_id = $1)
       GROUP BY conversation_id ORDER BY conversation_id`,
      [userId],
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
    conversationId: row.conversation_id,
    senderId: row.sender_id,
    text: row.text,
    clientMessageId: row.client_message_id,
    createdAt: row.created_at.toISOString(),
  };
}
