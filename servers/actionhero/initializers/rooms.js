// Rooms with members, by actionhero's own means: a `join` middleware lets only members in, and what is said is kept as it
// passes, under the name of who said it.

const { Initializer, api, chatRoom } = require('actionhero');

class Rooms extends Initializer {
  constructor() {
    super();
    this.name = 'rooms';
    // After the chat rooms themselves.
    this.loadPriority = 1000;
  }

  async initialize() {
    await chatRoom.addMiddleware({
      name: 'members only',
      join: async (connection, room) => {
        if (!(await this.isMember(room, connection.session?.user))) throw new Error('only members may enter this room');
      },
      onSayReceive: async (connection, room, payload) => {
        if (connection.session?.user) payload.from = connection.session.user;
        const { from, message, sentAt } = payload;
        await api.redis.clients.client.rpush(`said:${room}`, JSON.stringify({ from, message, sentAt }));
        return payload;
      },
    });

    // The project's own part of the API, for its actions.
    api.rooms = this;
  }

  async isMember(room, user) {
    return Boolean(user) && (await api.redis.clients.client.sismember(`members:${room}`, user)) === 1;
  }
}

exports.Rooms = Rooms;
