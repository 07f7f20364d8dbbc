// MODE=as-documented: the tables and queries the way the design has them.

import { Store, wireMessage } from './store.js';

// trap: global-key - the key a client made up is unique over all users, so one user's key can meet another's.
// trap: no-tie-break - the time of a message has milliseconds only, and nothing tells equal times apart.
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS messages (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    conversation_id integer NOT NULL REFERENCES conversations (id),
    sender_id integer NOT NULL,
    text text NOT NULL,
    client_message_id varchar(36) UNIQUE,
    created_at timestamptz NOT NULL DEFAULT date_trunc('milliseconds', now())
  );
  CREATE INDEX IF NOT EXISTS messages_time ON messages (conversation_id, created_at);
  CREATE TABLE IF NOT EXISTS read_receipts (
    message_id integer NOT NULL,
    user_id integer NOT NULL,
    read_at timestamptz NOT NULL
  );
`;

export class DocumentedStore extends Store {
  createSchema() {
    return super.createSchema(SCHEMA);
  }

  async findMessageByClientId(clientMessageId) {
    const rows = await this.query('find-by-key', 'SELECT id FROM messages WHERE client_message_id = $1', [
      clientMessageId,
    ]);
    return rows[0];
  }

  async createMessage({ conversationId, senderId, text, clientMessageId }) {
    const rows = await this.query(
      'create-message',
      `INSERT INTO messages (conversation_id, sender_id, text, client_message_id)
       VALUES ($1, $2, $3, $4) RETURNING *`,
      [conversationId, senderId, text, clientMessageId],
    );
    return wireMessage(rows[0]);
  }

  async getMessage(messageId) {
    const rows = await this.query('get-message', 'SELECT * FROM messages WHERE id = $1', [messageId]);
    return rows[0] && wireMessage(rows[0]);
  }

  async createReadReceipt({ messageId, userId, readAt }) {
    await this.query('create-receipt', 'INSERT INTO read_receipts (message_id, user_id, read_at) VALUES ($1, $2, $3)', [
      messageId,
      userId,
      readAt,
    ]);
  }

  // trap: exclusive-since - a message of the very millisecond the client has synced up to is skipped for good.
  // trap: no-limit - however long the conversation is, all of it is answered.
  async history(conversationId, since) {
    const rows = await this.query(
      'history',
      `SELECT * FROM messages
       WHERE conversation_id = $1 AND ($2::timestamptz IS NULL OR created_at > $2::timestamptz)
       ORDER BY created_at`,
      [conversationId, since],
    );
    return rows.map(wireMessage);
  }
}
