// Who is calling: a JWT signed with HS256 that names its user in a claim.

import jwt from 'jsonwebtoken';

/** What to do with the tokens of a server whose ids are those that `isId` says yes to. */
export class Tokens {
  constructor(secret, isId) {
    this.secret = secret;
    this.isId = isId;
  }

  /** What a token claims; throws when the token is not good. */
  claimsOf(token) {
    // The algorithm is pinned: a token must not choose how it is checked.
    const claims = jwt.verify(token, this.secret, { algorithms: ['HS256'] });
    if (!this.isId(claims.userId)) throw new Error('userId is no id');
    return claims;
  }

  /** The user of a token; throws when the token is not good. */
  userOf(token) {
    return this.claimsOf(token).userId;
  }

  /** The handshake's gate, for `io.use`. */
  gate() {
    return (socket, next) => {
      const token = socket.handshake.auth.token || socket.handshake.query.token;
      if (!token) return next(new Error('Authentication token required'));
      try {
        socket.data.userId = this.userOf(token);
      } catch {
        return next(new Error('Invalid or expired token'));
      }
      next();
    };
  }

  /** The user and the claims of the token that an HTTP request carries, or `{error}`. */
  callerOf(request) {
    const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (!token) return { error: 'Authentication token required' };
    try {
      const claims = this.claimsOf(token);
      return { userId: claims.userId, claims };
    } catch {
      return { error: 'Invalid or expired token' };
    }
  }
}
