// MODE=as-documented: the queries the way the design has them.

import { Store, wireMessage } from './store.js';

export class DocumentedStore extends Store {
  async addMessage(chatId, senderId, content, messageType) {
    const rows = await this.query(
      'INSERT INTO messages (chat_id, sender_id, content, message_type) VALUES ($1, $2, $3, $4) RETURNING *',
      [chatId, senderId, content, messageType],
    );
    return wireMessage(rows[0]);
  }

  // trap: unchecked-history - a chat's id is all that is asked for.
  // trap: page-drift - pages are counted from the newest message: with each new one all others move on, and the last row
  // of a page is the first of the next.
  // trap: no-tie-break - times have milliseconds, and nothing tells equal ones apart: a page may begin anywhere among them.
  async messagesOf(chatId, userId, { page, limit }) {
    const rows = await this.query(
      `SELECT * FROM messages
       WHERE chat_id = $1 AND NOT EXISTS (SELECT 1 FROM hidden WHERE message_id = id AND user_id = $2)
       ORDER BY created_at DESC LIMIT $3 OFFSET $4`,
      [chatId, userId, limit, (page - 1) * limit],
    );
    return rows.map(wireMessage);
  }

  // trap: search-leak - the words are looked for in everybody's chats.
  // trap: search-wildcards - what is looked for is a pattern: `%` and `_` find anything.
  async search(userId, query, chatId, { page, limit }) {
    const rows = await this.query(
      `SELECT * FROM messages
       WHERE content ILIKE '%' || $1 || '%' AND ($2::uuid IS NULL OR chat_id = $2)
         AND NOT EXISTS (SELECT 1 FROM hidden WHERE message_id = id AND user_id = $3)
       ORDER BY created_at DESC LIMIT $4 OFFSET $5`,
      [query, chatId, userId, limit, (page - 1) * limit],
    );
    return rows.map(wireMessage);
  }

  // trap: unchecked-history - and so is what one deletes for oneself.
  async hide(chatId, messageId, userId) {
    await this.query(
      'INSERT INTO hidden SELECT id, $3 FROM messages WHERE id = $2 AND chat_id = $1 ON CONFLICT DO NOTHING',
      [chatId, messageId, userId],
    );
  }
}
