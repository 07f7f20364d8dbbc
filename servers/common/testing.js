// For the servers' own tests: a server that is started as anybody else would start it, and clients that talk to it over the
// wire. Nothing here sleeps to be in step: every wait is for something that happens.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { after, before } from 'node:test';
import jwt from 'jsonwebtoken';
import { io } from 'socket.io-client';

export const SECRET = 'assize-test';
const WAIT_MS = 10_000;

export function tokenOf(userId, options) {
  return jwt.sign({ userId }, SECRET, options);
}

let lastUser = 0;

/** A user nobody else has: each test has its own, so that none sees another's messages. */
export function newUser() {
  return (++lastUser).toString(16).padStart(24, '0');
}

/**
 * A server of two nodes in each mode, for all tests of a file: `{servers, start}`. `start(mode)` starts the one of that mode
 * again, on what it has stored.
 */
export function inBothModes(ServerClass, dir) {
  const servers = {};
  let folder;
  const start = async (mode) => {
    servers[mode] = await ServerClass.start(dir, mode, { nodes: 2, data: path.join(folder, mode) });
  };
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), `${path.basename(dir)}-`));
    await Promise.all([start('fixed'), start('as-documented')]);
  });
  after(async () => {
    await Promise.all(Object.values(servers).map((server) => server.stop()));
    await rm(folder, { recursive: true });
  });
  return { servers, start };
}

/** A server that `start` in `dir` has started. */
export class Server {
  /** The class of its clients: a test may have its own, which knows the server's events. */
  static Client = null;

  static async start(dir, mode, { data, temp, nodes, without } = {}) {
    const server = Object.assign(new this(), { dir, data });
    const options = Object.entries({ data, nodes, without }).filter(([, value]) => value);
    const args = ['--mode', mode, '--leash', ...options.flatMap(([option, value]) => [`--${option}`, value])];
    server.child = spawn(path.join(dir, 'start'), args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, JWT_SECRET: SECRET, ...(temp && { TMPDIR: temp }) },
    });
    server.stderr = '';
    server.child.stderr.on('data', (chunk) => (server.stderr += chunk));
    // `close` comes after the streams have ended: then the sweeper is gone as well, which holds stderr.
    server.ended = new Promise((resolve) => server.child.once('close', (code, signal) => resolve(code ?? signal)));
    server.lines = [];
    const lines = createInterface({ input: server.child.stdout });
    const all = new Promise((resolve) => {
      lines.on('line', (line) => server.lines.push(line) === (nodes ?? 1) && resolve());
    });
    await Promise.race([all, server.ended]);
    server.urls = server.lines.map((line) => /^listening on (http:\/\/127\.0\.0\.1:\d+)$/.exec(line)?.[1]);
    server.url = server.urls[0];
    assert.ok(server.url, `${server.lines}\n${server.stderr}`);
    return server;
  }

  /** An order for a part, such as `kill node 2`; the server must have been started with `data`. Resolves when it is done. */
  async control(order) {
    const child = spawn(path.join(this.dir, 'control'), ['--data', this.data, ...order.split(' ')], { stdio: 'pipe' });
    let said = '';
    child.stderr.on('data', (chunk) => (said += chunk));
    const code = await new Promise((resolve) => child.once('close', resolve));
    assert.equal(code, 0, `${said}\n${this.stderr}`);
  }

  stop(signal = 'SIGTERM') {
    this.child.kill(signal);
    return this.ended;
  }

  /** An HTTP request; answers the status together with the fields of the body. */
  async call(userId, method, route, body) {
    const response = await fetch(this.url + route, {
      method,
      headers: { authorization: `Bearer ${tokenOf(userId)}`, ...(body && { 'content-type': 'application/json' }) },
      body: body && JSON.stringify(body),
    });
    return { status: response.status, ...(await response.json()) };
  }

  /** A connected client; of a server with several nodes, on the node with the number `node`. */
  async connect(userId, node = 1) {
    const client = new (this.constructor.Client ?? Client)(this.urls[node - 1], { auth: { token: tokenOf(userId) } });
    await client.connected;
    return client;
  }

  /** The message of the connect error with which such a client is refused. */
  async refusal(options) {
    const client = new Client(this.url, options);
    const error = await client.connected.then(() => assert.fail('it was let in'), (error) => error);
    client.close();
    return error.message;
  }
}

/** A socket that remembers every push, so that a wait cannot come too late. */
export class Client {
  constructor(url, options) {
    this.pushes = [];
    this.waiting = new Set();
    this.socket = io(url, { forceNew: true, reconnection: false, transports: ['websocket'], ...options });
    this.socket.onAny((event, ...args) => {
      this.pushes.push([event, ...args]);
      for (const goOn of this.waiting) goOn();
      this.waiting.clear();
    });
    this.connected = new Promise((resolve, reject) => {
      this.socket.once('connect', resolve);
      this.socket.once('connect_error', reject);
    });
    this.connected.catch(() => {});
  }

  emit(event, ...args) {
    this.socket.emit(event, ...args);
  }

  /** Emits, and answers the acknowledgement. */
  call(event, ...args) {
    return this.socket.timeout(WAIT_MS).emitWithAck(event, ...args);
  }

  /** The first arguments of all pushes of an event so far. */
  got(event) {
    return this.pushes.filter(([name]) => name === event).map(([, first]) => first);
  }

  /** Waits until `check` answers something for the pushes so far. */
  async until(check, what) {
    const deadline = AbortSignal.timeout(WAIT_MS);
    for (;;) {
      const found = check(this);
      if (found) return found;
      await new Promise((resolve, reject) => {
        if (deadline.aborted) reject(new Error(`never came: ${what}`));
        this.waiting.add(resolve);
        deadline.onabort = () => reject(new Error(`never came: ${what}; had ${JSON.stringify(this.pushes)}`));
      });
    }
  }

  /** Waits until there are `count` pushes of an event, and answers them. */
  several(event, count) {
    return this.until((client) => client.got(event).length >= count && client.got(event), `${count} of ${event}`);
  }

  /** Waits for a push whose first argument is `value`, or one that `value` says yes to. */
  pushed(event, value) {
    const fits = typeof value === 'function' ? value : (first) => first === value;
    return this.until((client) => client.got(event).find(fits), `${event} ${value}`);
  }

  /** Resolves once the connection is over. */
  async ended() {
    if (this.socket.connected) await new Promise((resolve) => this.socket.once('disconnect', resolve));
  }

  close() {
    this.socket.disconnect();
  }
}

export function close(...clients) {
  for (const client of clients) client.close();
}

/** The numbers from 0 on, as texts of messages. */
export function texts(count) {
  return Array.from({ length: count }, (_, i) => `${i}`);
}
