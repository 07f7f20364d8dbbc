// A Socket.IO server of the official implementation that echoes, asks, and tells how its clients leave.
//
//   node echo.mjs [PING_INTERVAL_MS [PING_TIMEOUT_MS]]
//
// One line of JSON each on standard output: {"port"} first, then {"id", "transport"} when a client connects or asks for its
// transport, {"id", "reason"} when it leaves, and {"waits"} with an Engine.IO session when a poll of it is held. Ends when
// its standard input does, so that it never outlives the test that started it.
import { createServer } from "node:http";
import { Server } from "socket.io";

const [pingInterval = 25_000, pingTimeout = 20_000] = process.argv.slice(2).map(Number);
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const http = createServer();
const io = new Server(http, { pingInterval, pingTimeout });

function greet(socket) {
  say({ id: socket.id, transport: socket.conn.transport.name });
  socket.on("disconnect", (reason) => say({ id: socket.id, reason }));
  socket.emit("welcome", socket.nsp.name, socket.handshake.auth);
  socket.on("echo", (...args) => {
    const answer = typeof args.at(-1) === "function" ? args.pop() : null;
    socket.emit("echoed", ...args);
    answer?.(...args);
  });
  socket.on("ask me", () => {
    socket.timeout(20_000).emit("question", 1, (error, answer) => {
      socket.emit("answered", error ? "late" : answer);
    });
  });
  socket.on("kick", () => socket.disconnect(true));
  socket.on("transport", (answer) => {
    say({ id: socket.id, transport: socket.conn.transport.name });
    answer(socket.conn.transport.name);
  });
}

io.on("connection", greet);
io.of("/private")
  .use((socket, next) => {
    if (socket.handshake.auth.token === "right") return next();
    const refused = new Error("wrong token");
    refused.data = { code: 401 };
    next(refused);
  })
  .on("connection", greet);

http.on("request", (request, response) => {
  const sid = new URL(request.url, "http://localhost").searchParams.get("sid");
  if (request.method !== "GET" || !sid) return;
  setImmediate(() => response.writableEnded || say({ waits: sid }));
});

process.stdin.on("end", () => process.exit(0)).resume();
http.listen(0, "127.0.0.1", () => say({ port: http.address().port }));
