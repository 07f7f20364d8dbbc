// MODE=fixed: the tables and queries that keep the design's promises. Messages come in batches, from the writer.

import { keyOf } from '../common/writer.js';
import { Refusal } from './api.js';
import { Store, wireMessage } from './store.js';

// What a sender's client calls a message, on whichever channel, is that sender's and one message.
const SCHEMA = 'CREATE UNIQUE INDEX IF NOT EXISTS messages_temp_id ON messages (sender_id, temp_id);';
const VISIBLE = 'NOT EXISTS (SELECT 1 FROM hidden WHERE message_id = messages.id AND user_id = $2)';

export class FixedStore extends Store {
  createSchema() {
    return super.createSchema(SCHEMA);
  }

  /** For each send, in the order given: is the sender a participant, and which message has the key already? */
  async lookUp(sends) {
    const rows = await this.query(
      `SELECT joined.user_id IS NOT NULL AS member, stored.*
       FROM unnest($1::uuid[], $2::uuid[], $3::text[]) WITH ORDINALITY AS want (chat, sender, key, n)
       LEFT JOIN participants joined ON joined.chat_id = want.chat AND joined.user_id = want.sender
       LEFT JOIN messages stored ON stored.sender_id = want.sender AND stored.temp_id = want.key
       ORDER BY want.n`,
      [sends.map((send) => send.chatId), sends.map((send) => send.senderId), sends.map((send) => send.key)],
    );
    return rows.map((row) => ({ member: row.member, stored: row.id === null ? null : wireMessage(row) }));
  }

  /**
   * Stores the sends in one statement, so in one transaction. The update of the chat's row is its lock, and times grow by at
   * least a millisecond from message to message of a chat: a sort by time never meets two alike.
   */
  async insert(sends) {
    const rows = await this.query(
      `WITH want AS (
         SELECT *, row_number() OVER (PARTITION BY chat ORDER BY n) AS place
         FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[])
              WITH ORDINALITY AS sent (chat, sender, key, content, type, n)
       ), moved AS (
         UPDATE chats
         SET last_at = greatest(date_trunc('milliseconds', clock_timestamp()), last_at + interval '1 millisecond')
                       + (bunch.size - 1) * interval '1 millisecond'
         FROM (SELECT chat, count(*) AS size FROM want GROUP BY chat) AS bunch
         WHERE chats.id = bunch.chat
         RETURNING chats.id, last_at, bunch.size
       )
       INSERT INTO messages (chat_id, sender_id, temp_id, content, message_type, created_at)
       SELECT chat, sender, key, content, type, last_at - (size - place) * interval '1 millisecond'
       FROM want JOIN moved ON moved.id = want.chat
       ORDER BY n
       ON CONFLICT (sender_id, temp_id) DO NOTHING
       RETURNING *`,
      ['chatId', 'senderId', 'key', 'content', 'messageType'].map((field) => sends.map((send) => send[field])),
    );
    return new Map(rows.map((row) => [keyOf({ senderId: row.sender_id, key: row.temp_id }), wireMessage(row)]));
  }

  /**
   * A page of a chat, counted from the oldest message: what is new comes onto the last page, and moves nothing. Who opens a
   * chat at its end asks for the last page first.
   */
  async messagesOf(chatId, userId, { page, limit }) {
    await this.requireAccess(chatId, userId);
    const rows = await this.query(
      `SELECT * FROM messages WHERE chat_id = $1 AND ${VISIBLE} ORDER BY created_at LIMIT $3 OFFSET $4`,
      [chatId, userId, limit, (page - 1) * limit],
    );
    return rows.map(wireMessage);
  }

  /** Newest first, in the user's own chats, and word for word: `%` and `_` are themselves. */
  async search(userId, query, chatId, { page, limit }) {
    if (chatId) await this.requireAccess(chatId, userId);
    const rows = await this.query(
      `SELECT messages.* FROM messages JOIN participants USING (chat_id)
       WHERE participants.user_id = $2 AND strpos(lower(content), lower($1)) > 0
         AND ($3::uuid IS NULL OR chat_id = $3) AND ${VISIBLE}
       ORDER BY created_at DESC, messages.id LIMIT $4 OFFSET $5`,
      [query, userId, chatId, limit, (page - 1) * limit],
    );
    return rows.map(wireMessage);
  }

  async hide(chatId, messageId, userId) {
    await this.requireAccess(chatId, userId);
    const rows = await this.query('SELECT 1 FROM messages WHERE id = $2 AND chat_id = $1', [chatId, messageId]);
    if (rows.length === 0) throw new Refusal(404, 'No such message');
    await this.query('INSERT INTO hidden VALUES ($1, $2) ON CONFLICT DO NOTHING', [messageId, userId]);
  }

  /** Messages that arrived: those of them whose status moved. */
  async markDelivered(ids) {
    const moved = "UPDATE messages SET status = 'delivered' WHERE id = ANY($1::uuid[]) AND status = 'sent' RETURNING id";
    return new Set((await this.query(moved, [ids])).map(({ id }) => id));
  }

  async requireAccess(chatId, userId) {
    if (!(await this.isParticipant(chatId, userId))) throw new Refusal(403, 'Access denied to chat');
  }
}
