// A Socket.IO client of the official implementation that does as it is told, and tells what happens to it.
//
//   node client.mjs URL TRANSPORTS AUTH       as in: node client.mjs http://127.0.0.1:3000 polling,websocket '{"token":"x"}'
//
// Lines of JSON on standard input: {"emit": [NAME, ...]}, with {"ask": NUMBER} where an answer is wanted, and {"leave": true}.
// Lines of JSON on standard output: {"transport"} now and after an upgrade, {"connected"} with the socket's id, {"refused"}
// with the message, {"event": [NAME, ...]}, {"answer": NUMBER, "with": [...]} and {"left"} with the reason. Ends when its
// standard input does, so that it never outlives the test that started it.
import { createInterface } from "node:readline";
import { io } from "socket.io-client";

const [url, transports, auth] = process.argv.slice(2);
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const socket = io(url, {
  auth: JSON.parse(auth),
  transports: transports.split(","),
  reconnection: false,
  autoConnect: false,
});
socket.io.on("open", () => {
  const { engine } = socket.io;
  say({ transport: engine.transport.name });
  engine.on("upgrade", (transport) => say({ transport: transport.name }));
});
socket.on("connect", () => say({ connected: socket.id }));
socket.on("connect_error", (error) => say({ refused: error.message }));
socket.on("disconnect", (reason) => say({ left: reason }));
socket.onAny((...event) => say({ event }));
socket.connect();

createInterface({ input: process.stdin })
  .on("line", (line) => {
    const { emit, ask, leave } = JSON.parse(line);
    if (leave) socket.disconnect();
    else if (ask === undefined) socket.emit(...emit);
    else socket.emit(...emit, (...answer) => say({ answer: ask, with: answer }));
  })
  .on("close", () => process.exit(0));
