// A small chat as somebody writes it on an afternoon: Socket.IO, callbacks with an error first, everything in memory. It is
// the server of docs/add-your-server.md, and has the bugs that such servers have. `node server.js --fixed` has none of them.

import { createServer } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { Server } from 'socket.io';

const fixed = process.argv.includes('--fixed');
const port = Number(process.env.PORT ?? 0);

const rooms = new Map(); // id → { id, members, log, busy }
let lastRoom = 0;
let lastMessage = 0;

/** What a database takes: a millisecond or three. */
const query = () => pause(1 + Math.random() * 2);

/** What somebody has said under this nonce in these rooms. */
function said(nick, nonce, where) {
  for (const { log } of where) {
    const found = log.find((message) => message.by === nick && message.nonce === nonce);
    if (found) return found;
  }
}

/** Runs what is done in a room one after the other. */
function inTurn(room, work) {
  if (!fixed) return work();
  room.busy = room.busy.then(work, work);
  return room.busy;
}

const http = createServer();
const io = new Server(http, { serveClient: false, pingInterval: 3000, pingTimeout: 2000 });

io.use((socket, next) => {
  const { nick } = socket.handshake.auth;
  if (typeof nick !== 'string' || nick === '') return next(new Error('tell us your nick'));
  socket.data.nick = nick;
  next();
});

io.on('connection', (socket) => {
  const { nick } = socket.data;
  socket.join(`nick:${nick}`);
  for (const room of rooms.values()) if (room.members.includes(nick)) socket.join(room.id);
  const typesIn = new Set();

  /** Answers by callback: an error first, as text. */
  const on = (event, work) =>
    socket.on(event, async (...args) => {
      const answer = typeof args.at(-1) === 'function' ? args.pop() : () => {};
      try {
        answer(null, await work(...args));
      } catch (error) {
        answer(error.message);
      }
    });

  const mine = (id) => {
    const room = rooms.get(id);
    if (!room || (fixed && !room.members.includes(nick))) throw new Error('no such room');
    return room;
  };

  on('open', async (members) => {
    await query();
    const room = { id: `r${++lastRoom}`, members: [...new Set([nick, ...members])], log: [], busy: Promise.resolve() };
    rooms.set(room.id, room);
    for (const member of room.members) io.in(`nick:${member}`).socketsJoin(room.id);
    return { room: room.id };
  });

  on('say', (id, { body, nonce }) => {
    const room = mine(id);
    if (typeof body !== 'string' || body.trim() === '') throw new Error('say something');
    return inTurn(room, async () => {
      await query();
      const known = said(nick, nonce, fixed ? [...rooms.values()] : [room]);
      if (known) return { id: known.id, ts: known.ts };
      await query();
      const last = room.log.at(-1)?.ts ?? 0;
      const ts = fixed ? Math.max(Date.now(), last + 1) : Date.now();
      const message = { id: ++lastMessage, room: id, by: nick, body, nonce, ts };
      room.log.push(message);
      io.to(id).emit('said', message);
      return { id: message.id, ts };
    });
  });

  on('log', async (id, since) => {
    const room = mine(id);
    await query();
    return room.log.filter(({ ts }) => (fixed ? ts >= (since ?? 0) : ts > (since ?? 0)));
  });

  const types = (id, on) => {
    if (!rooms.get(id)?.members.includes(nick) && fixed) return;
    typesIn[on ? 'add' : 'delete'](id);
    socket.to(id).emit('types', { room: id, nick, on });
  };
  socket.on('types', types);
  socket.on('disconnecting', () => {
    if (fixed) for (const id of typesIn) types(id, false);
  });
});

http.listen(port, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${http.address().port}`));
