// The charts over time. All have the same time axis, phases, faults and violations, and one cursor.

const perSecond = (run, figures) => figures.map((figure) => figure / run.slice);

/** What the charts over time have in common. */
function overTime(run, { marks, y, levels }) {
  const { slice, slices } = run;
  const end = run.end;
  const during = (spans, index) => spans.filter(({ from, to }) => from < (index + 1) * slice && to >= index * slice);
  return {
    shared: run,
    stops: slices,
    marks,
    levels,
    bands: run.faults,
    phases: run.phases,
    flags: run.violations,
    x: {
      name: 'time',
      domain: [0, end],
      at: (index) => Math.min((index + 0.5) * slice, end),
      edges: (index) => [index * slice, Math.min((index + 1) * slice, end)],
      ticks: (wanted) => timeTicks(end, wanted).map((at) => [at, clock(at)]),
      say: (index) => `${clock(index * slice)} to ${clock((index + 1) * slice)}`,
    },
    y,
    also: (index) => [
      ...during(run.phases, index).slice(-1).map(({ name }) => `phase ${name}`),
      ...during(run.faults, index).map(({ name, letter }) => `fault ${letter}: ${name}`),
    ],
  };
}

/** Durations on a logarithmic axis. */
function durations(marks) {
  const domain = powerRange(marks.flatMap((mark) => mark.values.filter((figure) => figure !== null)));
  return { log: true, domain, say: duration, ticks: powerTicks(domain, 9).map((tick) => [tick, shortDuration(tick)]) };
}

/** Counts or rates from 0. */
function amounts(marks, say) {
  const tops = marks.map((mark) => Math.max(0, ...mark.values.map((figure, index) => figure + (mark.floor?.[index] ?? 0))));
  const ticks = roundTicks(Math.max(...tops, 1), 4);
  const most = Math.max(...tops, 1);
  return { log: false, domain: [0, Math.max(most * 1.04, ticks.at(-1))], say, ticks: ticks.map((tick) => [tick, shortCount(tick)]) };
}

/** Percentiles of one latency over time; where nothing was measured, the lines are broken. */
function latencyOverTime(run, wave, percentiles, levels) {
  const marks = percentiles.map(([key, name, colour]) => ({
    name, colour, shape: 'line', values: wave[key].map((figure, index) => (wave.count[index] > 0 ? figure : null)),
  }));
  return overTime(run, { marks, levels, y: durations(marks) });
}

/** Messages per second. */
function throughput(run) {
  const wanted = [['messages sent', 'sent', 'c5'], ['messages acked', 'acked', 'c2'], ['deliveries', 'delivered', 'c3']];
  const marks = wanted
    .filter(([name]) => run.counts[name])
    .map(([name, short, colour]) => ({ name: short, colour, shape: 'line', values: perSecond(run, run.counts[name]) }));
  return marks.length ? overTime(run, { marks, y: amounts(marks, (figure) => `${rate(figure)}/s`) }) : null;
}

/** Clients that were connected. */
function connected(run) {
  if (!run.connected.some((figure) => figure > 0)) return null;
  const marks = [{ name: 'connected', colour: 'c2', shape: 'area', values: run.connected }];
  return overTime(run, { marks, y: amounts(marks, count) });
}

/** What went wrong, by kind, on top of each other. */
function errors(run) {
  const kinds = [
    ['messages refused', 'c1'], ['messages failed', 'c3'], ['ack timeouts', 'c5'], ['connect failures', 'c4'], ['disconnects', 'c2'], ['garbage', 'c6'],
    ['queue drops', 'c7'],
  ];
  const floor = new Array(run.slices).fill(0);
  const marks = [];
  for (const [name, colour] of kinds.filter(([kind]) => run.counts[kind])) {
    marks.push({ name, colour, shape: 'bars', values: run.counts[name], floor: [...floor] });
    run.counts[name].forEach((figure, index) => { floor[index] += figure; });
  }
  return marks.length ? overTime(run, { marks, y: amounts(marks, count) }) : null;
}
