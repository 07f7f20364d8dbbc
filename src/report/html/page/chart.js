// One chart in its figure: drawn as wide as there is room, and drawn again when that changes.
//
// A model says what is shown: `stops` (how many points the cursor knows), `x` and `y` (domains, ticks, words), `marks`
// (lines, areas, bars), and what stands behind them (`bands`, `phases`, `flags`, `levels`).

// Charts over time have the names of phases and the letters of faults above them.
const MARGIN = { left: 62, right: 14, top: 10, bottom: 26 };
const ABOVE = 26;

/** A chart in a figure; `show` gives it a model. */
function chart(figure) {
  const plot = figure.querySelector('.plot');
  const view = { figure, plot, model: null, scales: null, drawing: null };
  const redraw = () => view.model && draw(view);
  new ResizeObserver(redraw).observe(plot);
  const cursor = attachCursor(view);
  const numbers = attachNumbers(view);
  view.show = (model) => {
    view.model = model;
    figure.querySelector('.legend').replaceChildren(...model.marks.map(legendEntry));
    cursor.reset();
    numbers.reset();
    redraw();
  };
  return view;
}

/** What is said where there is nothing to draw. */
function leaveEmpty(figure, sentence) {
  figure.classList.add('empty');
  figure.querySelector('.plot').replaceChildren(html('p', {}, sentence));
  figure.querySelector('.legend').replaceChildren();
  figure.querySelector('details')?.remove();
}

function draw(view) {
  const { plot, model, figure } = view;
  const width = Math.max(plot.clientWidth, 240);
  const height = plot.clientHeight || 220;
  const box = { left: MARGIN.left, right: width - MARGIN.right, top: MARGIN.top + (model.phases ? ABOVE : 0), bottom: height - MARGIN.bottom };
  const x = (model.x.log ? logarithmic : linear)(model.x.domain, [box.left, box.right]);
  const y = (model.y.log ? logarithmic : linear)(model.y.domain, [box.bottom, box.top]);
  const scales = { x, y, base: box.bottom, at: model.x.at, edges: model.x.edges, ...box };
  const hatch = `hatch-${figure.id}`;
  const drawing = svg(
    'svg',
    { viewBox: `0 0 ${width} ${height}`, width, height, 'aria-hidden': 'true', focusable: 'false' },
    drawHatch(hatch),
    drawBands(model.bands ?? [], hatch, scales),
    ...drawAxes(model, scales),
    drawPhases(model.phases ?? [], scales),
    ...model.marks.map((mark) => drawMark(mark, scales)),
    svg('g', { class: 'crosshair' }),
    drawFlags(model.flags ?? [], scales),
  );
  view.drawing?.remove();
  plot.prepend(drawing);
  Object.assign(view, { drawing, scales });
  view.place?.();
}

function legendEntry(mark) {
  const sample = mark.shape === 'bars' ? svg('rect', { x: 2, y: 2, width: 12, height: 8 }) : svg('path', { class: 'line', d: 'M0 6H16' });
  const swatch = svg('svg', { class: `swatch mark ${mark.colour} ${mark.shape}`, width: 16, height: 12, 'aria-hidden': 'true' }, sample);
  return html('span', { class: 'entry' }, swatch, mark.name, html('span', { class: 'value' }));
}
