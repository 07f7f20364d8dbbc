// Rooms are made for their members, and have a history that only these can read.

const { randomUUID } = require('node:crypto');
const { Action, api, chatRoom } = require('actionhero');

const redis = () => api.redis.clients.client;
const PAGE = 100;

/** The user of a connection that has a session. */
function who(connection) {
  const user = connection.session?.user;
  if (!user) throw new Error('there is no session');
  return user;
}

class CreateRoom extends Action {
  constructor() {
    super();
    this.name = 'createRoom';
    this.description = 'makes a room for these people, and whoever asks for it';
    const texts = (list) => Array.isArray(list) && list.every((name) => typeof name === 'string');
    this.inputs = { members: { required: true, validator: texts } };
  }

  async run({ connection, params: { members } }) {
    const room = randomUUID();
    await redis().sadd(`members:${room}`, who(connection), ...members);
    await chatRoom.add(room);
    return { room };
  }
}

class History extends Action {
  constructor() {
    super();
    this.name = 'history';
    this.description = 'what was said in a room, oldest first, after a position';
    this.inputs = { room: { required: true }, after: { default: 0 }, limit: { default: PAGE } };
  }

  async run({ connection, params: { room, after, limit } }) {
    if (!(await api.rooms.isMember(room, who(connection)))) throw new Error('only members may read this room');
    const from = Number(after);
    const rows = await redis().lrange(`said:${room}`, from, from + Math.min(Number(limit), PAGE) - 1);
    const said = rows.map((row, index) => ({ id: `${room}/${from + index}`, ...JSON.parse(row) }));
    return { said, after: from + rows.length };
  }
}

module.exports = { CreateRoom, History };
