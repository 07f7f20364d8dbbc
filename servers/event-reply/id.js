// Ids, of users as of all else: MongoDB's ObjectIds, written as 24 hex digits.

export function isId(value) {
  return typeof value === 'string' && /^[0-9a-f]{24}$/.test(value);
}
