// Ids, of users as of all else: PostgreSQL's four-byte integers. Anything else is nobody's id.

export function isId(value) {
  return Number.isInteger(value) && value >= 1 && value <= 0x7fffffff;
}
