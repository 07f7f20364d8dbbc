// What each socket of this node hears of each conversation, in MODE=fixed: every message once, in the order of the numbers.
//
// For each conversation the node knows the number up to which its sockets have heard everything. What other nodes say is only
// a hint: if a number is missing before it, the store is asked for what is. So neither a message that Redis lost, nor one that
// comes late or twice, is ever missing, out of order or heard twice.

export class Feed {
  #conversations = new Map();
  #sockets = new Set();

  /** `emit(socket, message)` pushes a message to a socket of this node. */
  constructor(store, emit) {
    this.store = store;
    this.emit = emit;
  }

  /**
   * Lets a socket hear all conversations of its user from now on, and first what has waited: `waiting` has for a conversation
   * the number of the first message that did. Nothing is pushed before `begin`.
   */
  async add(socket, waiting) {
    socket.data.pending = [];
    this.#sockets.add(socket);
    const mine = await this.store.overviewOf(socket.data.userId);
    await Promise.all(mine.map(({ _id, newest }) => this.#listen(_id, newest, socket, waiting.get(_id))));
  }

  /** The socket is connected: what came meanwhile is pushed. */
  begin(socket) {
    const { pending } = socket.data;
    socket.data.pending = null;
    for (const message of pending) this.emit(socket, message);
  }

  remove(socket) {
    this.#sockets.delete(socket);
    for (const [id, conversation] of this.#conversations) {
      if (conversation.sockets.delete(socket)) this.#forget(id, conversation);
    }
  }

  /** A new conversation: its members who are connected here hear it from its first message on. */
  async begun({ _id, members, newest }) {
    const here = [...this.#sockets].filter((socket) => members.includes(socket.data.userId));
    await Promise.all(here.map((socket) => this.#listen(_id, newest, socket, 1)));
  }

  /** Messages were stored, on this node or another. They are in order, without a gap between them. */
  offer(conversationId, messages) {
    const conversation = this.#conversations.get(conversationId);
    if (!conversation) return;
    return this.#inTurn(conversation, async () => {
      if (conversation.heard === null) return;
      const from = messages[0].sequenceNumber;
      const all = from <= conversation.heard + 1 ? messages : await this.store.messagesAfter(conversationId, conversation.heard);
      this.#push(conversation, all);
    });
  }

  /** Looks in the store for messages that nobody said were stored. */
  async catchUp() {
    for (const { _id, newest } of await this.store.overview([...this.#conversations.keys()])) {
      const conversation = this.#conversations.get(_id);
      if (!conversation || conversation.heard === null || conversation.heard >= newest) continue;
      await this.#inTurn(conversation, async () => {
        this.#push(conversation, await this.store.messagesAfter(_id, conversation.heard));
      });
    }
  }

  /** Looks in the store for conversations that nobody said were begun. */
  async findBegun() {
    const users = new Set([...this.#sockets].map((socket) => socket.data.userId));
    for (const userId of users) for (const each of await this.store.overviewOf(userId)) await this.begun(each);
  }

  #push(conversation, messages) {
    for (const message of messages) {
      if (message.sequenceNumber !== conversation.heard + 1) continue;
      conversation.heard = message.sequenceNumber;
      for (const socket of conversation.sockets) this.#give(socket, message);
    }
  }

  #give(socket, message) {
    if (socket.data.pending) socket.data.pending.push(message);
    else this.emit(socket, message);
  }

  /** From now on the socket hears the conversation, and now what it has heard nothing of: the messages from `first` on. */
  #listen(conversationId, newest, socket, first = Infinity) {
    let conversation = this.#conversations.get(conversationId);
    if (!conversation) {
      conversation = { heard: null, sockets: new Set(), expected: 0, turn: Promise.resolve() };
      this.#conversations.set(conversationId, conversation);
    }
    if (conversation.sockets.has(socket)) return;
    conversation.expected += 1;
    return this.#inTurn(conversation, async () => {
      try {
        conversation.heard ??= newest;
        await this.#arrive(conversationId, conversation, socket, first);
      } finally {
        conversation.expected -= 1;
        this.#forget(conversationId, conversation);
      }
    });
  }

  async #arrive(conversationId, conversation, socket, first) {
    if (conversation.sockets.has(socket) || !this.#sockets.has(socket)) return;
    if (first <= conversation.heard) {
      const missed = await this.store.messagesAfter(conversationId, first - 1);
      for (const message of missed) if (message.sequenceNumber <= conversation.heard) this.#give(socket, message);
    }
    if (this.#sockets.has(socket)) conversation.sockets.add(socket);
  }

  #forget(conversationId, { sockets, expected }) {
    if (sockets.size === 0 && expected === 0) this.#conversations.delete(conversationId);
  }

  /** One thing at a time for each conversation, in the order of the calls. */
  #inTurn(conversation, work) {
    const done = conversation.turn.then(work);
    conversation.turn = done.catch((error) => console.error(`feed: ${error.message}`));
    return conversation.turn;
  }
}
