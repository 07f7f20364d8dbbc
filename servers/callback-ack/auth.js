// Who is calling: a JWT signed with HS256 whose claim `userId` is an integer.

import jwt from 'jsonwebtoken';

/** Ids are stored as PostgreSQL's four-byte integers; anything else is nobody's id. */
export function isId(value) {
  return Number.isInteger(value) && value >= 1 && value <= 0x7fffffff;
}

/** The user of a token; throws when the token is not good. */
export function userOf(token, secret) {
  // The algorithm is pinned: a token must not choose how it is checked.
  const { userId } = jwt.verify(token, secret, { algorithms: ['HS256'] });
  if (!isId(userId)) throw new Error('userId is not an integer');
  return userId;
}

/** The handshake's gate, for `io.use`. */
export function gate(secret) {
  return (socket, next) => {
    const token = socket.handshake.auth.token || socket.handshake.query.token;
    if (!token) return next(new Error('Authentication token required'));
    try {
      socket.data.userId = userOf(token, secret);
    } catch {
      return next(new Error('Invalid or expired token'));
    }
    next();
  };
}
