// How one latency is distributed: the percentile curve and the histogram.

/** The share that the figure at this position of a curve is for. */
const shareAt = (position) => 1 - 10 ** (-position / 10);

/** The percentile curve: each step to the right is one nine more. */
function percentileCurve({ planned, actual }) {
  const differ = planned.some((figure, index) => figure !== actual[index]);
  const marks = [
    { name: 'from the planned time', colour: 'c2', shape: 'line', values: planned },
    ...(differ ? [{ name: 'from the actual start', colour: 'c3', shape: 'line dashed', values: actual }] : []),
  ];
  const last = planned.length - 1;
  const shares = [0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999, 0.9999999];
  const position = (share) => -10 * Math.log10(1 - share);
  return {
    stops: planned.length,
    marks,
    x: {
      name: 'share of all',
      domain: [0, Math.max(last, 1)],
      at: (index) => index,
      edges: (index) => [index, index + 1],
      ticks: () => shares.filter((share) => position(share) <= last).map((share) => [position(share), percent(share)]),
      say: (index) => (index === last ? 'the slowest' : index === 0 ? 'the fastest' : `${percent(shareAt(index))} took at most`),
    },
    y: durations(marks),
  };
}

/** The histogram: ten bars per power of ten. */
function histogram({ buckets }) {
  const values = buckets.map(([, , number]) => number);
  const all = values.reduce((sum, number) => sum + number, 0);
  const marks = [{ name: 'number', colour: 'c2', shape: 'bars', values }];
  const domain = [buckets[0][0], buckets.at(-1)[1]];
  const wide = domain[1] / domain[0] < 10 ? [domain[0] / 2, domain[1] * 2] : domain;
  return {
    stops: buckets.length,
    marks,
    x: {
      log: true,
      name: 'duration',
      domain: wide,
      at: (index) => Math.sqrt(buckets[index][0] * buckets[index][1]),
      edges: (index) => buckets[index].slice(0, 2),
      ticks: (wanted) => powerTicks(wide, wanted * 1.7).map((tick) => [tick, shortDuration(tick)]),
      say: (index) => `${duration(buckets[index][0])} to ${duration(buckets[index][1])}`,
    },
    y: amounts(marks, (figure) => `${count(figure)} (${(figure / all * 100).toFixed(1)}%)`),
  };
}
