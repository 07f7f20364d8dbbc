// Gathers what arrives while the database is busy and hands it over as one batch, in order of arrival, one batch at a
// time. An idle server so answers at once, and a busy one pays the round trip once for many.

export class Batcher {
  #waiting = [];
  #running = null;

  /** `flush(items)` must not throw: it owns the answer to every item. */
  constructor(flush, { max = 256 } = {}) {
    this.flush = flush;
    this.max = max;
  }

  push(item) {
    this.#waiting.push(item);
    this.#running ??= this.#run();
  }

  async #run() {
    // One turn of the event loop, so that all that was read from the sockets in this turn goes into the first batch.
    await new Promise(setImmediate);
    while (this.#waiting.length > 0) await this.flush(this.#waiting.splice(0, this.max));
    this.#running = null;
  }

  /** Resolves when nothing waits any more. */
  async idle() {
    while (this.#running) await this.#running;
  }
}
