// Figures as the rest of the report spells them.

const digits = (number) => (number < 9.995 ? number.toFixed(2) : number < 99.95 ? number.toFixed(1) : number.toFixed(0));

/** A duration given in microseconds: `870 µs`, `1.23 ms`, `40.0 ms`, `1.50 s`. */
function duration(micros) {
  if (micros < 999.5) return `${digits(micros)} µs`;
  if (micros < 999.5e3) return `${digits(micros / 1e3)} ms`;
  return micros < 119.5e6 ? `${digits(micros / 1e6)} s` : clock(micros / 1e6);
}

/** The same for an axis, without digits that say nothing: `1 ms`, `0.5 s`. */
function shortDuration(micros) {
  const [number, unit] = micros < 1e3 ? [micros, 'µs'] : micros < 1e6 ? [micros / 1e3, 'ms'] : [micros / 1e6, 's'];
  return `${Number(number.toPrecision(3))} ${unit}`;
}

/** A count, with a comma between thousands. */
function count(number) {
  return Math.round(number).toLocaleString('en-US');
}

/** A rate with as many digits as say something. */
function rate(number) {
  return number > 0 && number < 9.95 ? number.toFixed(1) : count(number);
}

/** A count for an axis: `1.5k`. */
function shortCount(number) {
  if (number >= 1e6) return `${Number((number / 1e6).toPrecision(3))}M`;
  return number >= 1e4 ? `${Number((number / 1e3).toPrecision(3))}k` : Number(number.toPrecision(3)).toLocaleString('en-US');
}

/** A point in time or a long duration, in seconds: `12.5 s`, `3 min 5 s`, `2 h 10 min`. */
function clock(seconds) {
  if (seconds < 120) return `${Number(seconds.toFixed(seconds < 10 ? 2 : 1))} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return seconds % 60 < 0.5 ? `${minutes} min` : `${minutes} min ${Math.floor(seconds % 60)} s`;
  return minutes % 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${minutes / 60} h`;
}

/** A share of all: `50%`, `99.9%`, with as many nines as it needs. */
function percent(share) {
  const nines = Math.max(0, Math.ceil(-Math.log10(Math.max(1 - share, 1e-12)) - 1e-9));
  return `${Number((share * 100).toFixed(Math.max(0, nines - 1)))}%`;
}
