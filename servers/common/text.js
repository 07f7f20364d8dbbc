// What may stand in a text, whichever server takes it.

/** A string that comes back from a store the way it went in: no NUL, no half of a surrogate pair. */
export function isStorable(value) {
  return typeof value === 'string' && value.isWellFormed() && !value.includes('\0');
}

/** Counts code points, not UTF-16 units: an emoji is one character. */
export function isLongerThan(text, limit) {
  if (text.length <= limit) return false;
  return text.length > 2 * limit || [...text].length > limit;
}
