// A sliding window per user: within any `windowMs`, at most `limit` are let through. Counted per user and not per
// socket, or a second device would double the allowance.

export class Limiter {
  #taken = new Map();

  constructor({ limit, windowMs }) {
    this.limit = limit;
    this.windowMs = windowMs;
    // Who has been silent for a window needs no memory.
    setInterval(() => this.#forget(performance.now()), 10 * windowMs).unref();
  }

  /** Takes one of the user's places at the time `at`, if there is one. Times of a user must not go backwards. */
  take(userId, at) {
    let times = this.#taken.get(userId);
    if (!times) this.#taken.set(userId, (times = []));
    while (times.length > 0 && times[0] <= at - this.windowMs) times.shift();
    if (times.length >= this.limit) return false;
    times.push(at);
    return true;
  }

  #forget(now) {
    for (const [userId, times] of this.#taken) {
      if (times.length === 0 || times.at(-1) <= now - this.windowMs) this.#taken.delete(userId);
    }
  }
}
