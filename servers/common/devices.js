// Which sockets each user has. A user is online while one of them is connected.

export class Devices {
  #byUser = new Map();

  /** Known from the handshake on, so that a conversation created while its member is still connecting reaches them. */
  add(socket) {
    const { userId } = socket.data;
    if (!this.#byUser.has(userId)) this.#byUser.set(userId, new Set());
    this.#byUser.get(userId).add(socket);
  }

  remove(socket) {
    const { userId } = socket.data;
    const sockets = this.#byUser.get(userId);
    if (sockets?.delete(socket) && sockets.size === 0) this.#byUser.delete(userId);
  }

  of(userId) {
    return this.#byUser.get(userId) ?? [];
  }

  /** The connected ones only, without those still in the handshake. */
  live(userId) {
    return [...this.of(userId)].filter((socket) => socket.data.live);
  }
}
