// Who is who: an account, a login over HTTP, and the session of a connection that shows what the login gave.

const { createHmac, randomBytes, timingSafeEqual } = require('node:crypto');
const { Action, api } = require('actionhero');

// Too cheap for people, on purpose: what is on trial is the chat, and a trial logs hundreds in within seconds.
const hash = (password, salt) => createHmac('sha256', salt).update(password).digest();
// What is missing is actionhero's to refuse.
const text = (value) => value == null || typeof value === 'string';
const redis = () => api.redis.clients.client;

class Register extends Action {
  constructor() {
    super();
    this.name = 'register';
    this.description = 'makes an account, if the name is free';
    this.inputs = { name: { required: true, validator: text }, password: { required: true, validator: text } };
  }

  async run({ params: { name, password } }) {
    const salt = randomBytes(16);
    const account = `${salt.toString('hex')}:${hash(password, salt).toString('hex')}`;
    if ((await redis().hsetnx('accounts', name, account)) === 0) throw new Error('the name is taken');
    return { user: name };
  }
}

class Login extends Action {
  constructor() {
    super();
    this.name = 'login';
    this.description = 'gives a token for name and password';
    this.inputs = { name: { required: true, validator: text }, password: { required: true, validator: text } };
  }

  async run({ params: { name, password } }) {
    const [salt, known] = ((await redis().hget('accounts', name)) ?? ':').split(':').map((hex) => Buffer.from(hex, 'hex'));
    if (known.length === 0 || !timingSafeEqual(hash(password, salt), known)) throw new Error('no such name and password');
    const token = randomBytes(16).toString('hex');
    await redis().hset('tokens', token, name);
    return { user: name, token };
  }
}

class Logout extends Action {
  constructor() {
    super();
    this.name = 'logout';
    this.description = 'ends what a login gave';
    this.inputs = { token: { required: true, validator: text } };
  }

  async run({ params: { token } }) {
    if ((await redis().hdel('tokens', token)) === 0) throw new Error('the token is not valid');
    return {};
  }
}

class Session extends Action {
  constructor() {
    super();
    this.name = 'session';
    this.description = 'says who this connection is';
    this.inputs = { token: { required: true, validator: text } };
    this.blockedConnectionTypes = ['web'];
  }

  async run({ connection, params: { token } }) {
    const user = await redis().hget('tokens', token);
    if (!user) throw new Error('the token is not valid');
    connection.session = { user };
    return { user };
  }
}

module.exports = { Register, Login, Logout, Session };
