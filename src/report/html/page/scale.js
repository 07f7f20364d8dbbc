// From a figure to a place on the screen, and the figures that an axis names.

/** A scale with equal steps for equal differences. */
function linear([from, to], [start, end]) {
  const slope = (end - start) / (to - from || 1);
  return (figure) => start + (figure - from) * slope;
}

/** A scale with equal steps for equal ratios; nothing is smaller than its beginning. */
function logarithmic([from, to], range) {
  const scale = linear([Math.log10(from), Math.log10(to)], range);
  return (figure) => scale(Math.log10(Math.max(figure, from)));
}

/** Round figures from 0 to `most`, about so many. */
function roundTicks(most, wanted) {
  const rough = most / wanted || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max([1, 2, 5, 10].find((factor) => factor * power >= rough) * power, 1);
  return steps(step, most);
}

/** Round points in time from 0 to `end` seconds, about so many. */
function timeTicks(end, wanted) {
  const sizes = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400];
  const step = sizes.find((size) => size * wanted >= end) ?? Math.ceil(end / wanted / 86400) * 86400;
  return steps(step, end);
}

/** Powers of ten within a range; if they are few, also their doubles and halves. */
function powerTicks([from, to], wanted) {
  const factors = Math.log10(to / from) * 3 <= wanted ? [1, 2, 5] : [1];
  const all = [];
  for (let power = Math.floor(Math.log10(from)); power <= Math.ceil(Math.log10(to)); power += 1) {
    all.push(...factors.map((factor) => Number((factor * 10 ** power).toPrecision(6))));
  }
  return all.filter((tick) => tick >= from * 0.999 && tick <= to * 1.001);
}

function steps(step, end) {
  return Array.from({ length: Math.floor(end / step + 1e-9) + 1 }, (_, number) => number * step);
}

/** From the least to the most of some figures, widened to round powers. */
function powerRange(figures) {
  const real = figures.filter((figure) => figure > 0);
  if (real.length === 0) return [1, 10];
  const bound = (figure, round) => {
    const power = 10 ** Math.floor(Math.log10(figure));
    return power * round(figure / power);
  };
  const least = bound(Math.min(...real), (factor) => (factor >= 5 ? 5 : factor >= 2 ? 2 : 1));
  const most = bound(Math.max(...real), (factor) => (factor > 5 ? 10 : factor > 2 ? 5 : 2));
  return most / least < 5 ? [least / 2, most * 2] : [least, most];
}
