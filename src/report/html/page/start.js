// Which chart shows what.

const LEVELS = [['p50', 'p50', 'c5'], ['p95', 'p95', 'c2'], ['p99', 'p99', 'c3']];
const figureOf = (name) => document.getElementById(`chart-${name}`);

/** A chart of this model, or the words that there is nothing to show. */
function fit(name, model, sentence) {
  const figure = figureOf(name);
  if (!figure) return;
  if (model) chart(figure).show(model);
  else leaveEmpty(figure, sentence);
}

/** The three charts of one latency at a time, and the buttons that choose which. */
function latencyCharts(run) {
  if (!figureOf('curve')) return;
  const [curve, bars, time] = ['curve', 'histogram', 'latency'].map((name) => chart(figureOf(name)));
  const choose = (number) => {
    const shape = run.shapes[number];
    const wave = run.latencies.find(({ series }) => series === shape.series);
    curve.show(percentileCurve(shape));
    bars.show(histogram(shape));
    time.figure.hidden = !wave;
    if (wave) time.show(latencyOverTime(run, wave, LEVELS));
    for (const place of document.querySelectorAll('.chosen')) place.textContent = shape.series;
  };
  const buttons = [...document.querySelectorAll('input[name="series"]')];
  for (const button of buttons) button.addEventListener('change', () => choose(button.value));
  const chosen = buttons.find((button) => button.checked);
  if (chosen) choose(chosen.value);
}

const data = document.getElementById('figures');
if (data) {
  const run = JSON.parse(data.textContent);
  latencyCharts(run);
  fit('throughput', throughput(run), 'No message was sent.');
  fit('connected', connected(run), 'No client was connected.');
  fit('errors', errors(run), 'Nothing went wrong: no refusal, no timeout, no lost connection.');
  const lag = run.latencies.find(({ series }) => series === 'lag');
  const levels = [{ at: run.most_lag, name: 'too late to be trusted' }];
  const late = [['p50', 'p50', 'c5'], ['p99', 'p99', 'c2'], ['max', 'max', 'c3']];
  fit('lag', lag && latencyOverTime(run, lag, late, levels), 'No timer was measured.');
}
document.documentElement.classList.add('ready');
