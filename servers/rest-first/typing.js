// Who types in which chat, told as a state: after each change everybody who types. A typist who says nothing more is taken
// off after a while. The document only says that there are typing events; this is ours, and the same in both modes.

const EXPIRES_MS = 3000;

export class Typing {
  #chats = new Map();

  /** `tell(chatId, userIds)` tells a chat. */
  constructor(tell) {
    this.tell = tell;
  }

  start(chatId, userId) {
    if (!this.#chats.has(chatId)) this.#chats.set(chatId, new Map());
    const typists = this.#chats.get(chatId);
    clearTimeout(typists.get(userId));
    typists.set(userId, setTimeout(() => this.stop(chatId, userId), EXPIRES_MS).unref());
    this.#tell(chatId);
  }

  stop(chatId, userId) {
    const typists = this.#chats.get(chatId);
    if (!typists?.has(userId)) return;
    clearTimeout(typists.get(userId));
    typists.delete(userId);
    this.#tell(chatId);
    if (typists.size === 0) this.#chats.delete(chatId);
  }

  leave(userId) {
    for (const chatId of [...this.#chats.keys()]) this.stop(chatId, userId);
  }

  #tell(chatId) {
    this.tell(chatId, [...this.#chats.get(chatId).keys()]);
  }
}
