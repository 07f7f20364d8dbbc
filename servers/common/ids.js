// Ids as MongoDB makes them, kept and sent as their 24 hexadecimal digits.

import { createHash } from 'node:crypto';
import { ObjectId } from 'mongodb';

export function newId() {
  return new ObjectId().toHexString();
}

export function isId(value) {
  return typeof value === 'string' && /^[0-9a-f]{24}$/.test(value);
}

/** The id of what these two people have only one of: it follows from theirs, so there cannot be two. */
export function idOfPair(one, other) {
  return createHash('sha256').update([one, other].sort().join(' ')).digest('hex').slice(0, 24);
}
