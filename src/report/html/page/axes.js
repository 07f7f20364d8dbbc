// What stands around the marks: grids, ticks, phases, faults and violations.

/** The lines and figures of both axes. */
function drawAxes(model, { x, y, left, right, top, bottom }) {
  const grid = svg('g', { class: 'grid' });
  const names = svg('g', { class: 'names' });
  for (const [figure, name] of model.y.ticks) {
    const height = place(y(figure));
    grid.append(svg('line', { x1: left, x2: right, y1: height, y2: height }));
    names.append(svg('text', { x: left - 8, y: height, dy: '0.32em', 'text-anchor': 'end' }, name));
  }
  const ticks = model.x.ticks(Math.max(2, Math.floor((right - left) / 76)));
  ticks.forEach(([figure, name], index) => {
    const across = place(x(figure));
    grid.append(svg('line', { class: 'tick', x1: across, x2: across, y1: bottom, y2: bottom + 4 }));
    const anchor = index > 0 && across > right - 24 ? 'end' : 'middle';
    names.append(svg('text', { x: Math.min(across, right), y: bottom + 17, 'text-anchor': anchor }, name));
  });
  grid.append(svg('line', { class: 'axis', x1: left, x2: right, y1: bottom, y2: bottom }));
  for (const { at, name } of model.levels ?? []) {
    if (at < model.y.domain[0] || at > model.y.domain[1]) continue;
    const height = place(y(at));
    grid.append(svg('line', { class: 'level', x1: left, x2: right, y1: height, y2: height }));
    names.append(svg('text', { x: right, y: height - 5, 'text-anchor': 'end' }, name));
  }
  return [grid, names];
}

/** Shaded bands with their letter, for the time in which something was wrong on purpose. */
function drawBands(bands, hatch, { x, left, right, top, bottom }) {
  const group = svg('g', { class: 'bands' });
  let free = -Infinity;
  for (const { from, to, letter } of bands) {
    const start = Math.max(x(from), left);
    const width = Math.max(Math.min(x(to), right) - start, 2);
    group.append(svg('rect', { class: 'shade', x: place(start), y: top, width: place(width), height: bottom - top }));
    group.append(svg('rect', { fill: `url(#${hatch})`, x: place(start), y: top, width: place(width), height: bottom - top }));
    const middle = Math.max(start + width / 2, free);
    group.append(svg('text', { x: place(middle), y: top - 7, 'text-anchor': 'middle' }, letter));
    free = middle + 11;
  }
  return group;
}

/** Where phases begin, with their names where there is room. */
function drawPhases(phases, { x, left, right, top, bottom }) {
  const group = svg('g', { class: 'phases' });
  phases.forEach(({ from, to, name }, index) => {
    const start = x(from);
    const room = Math.min(x(to), right) - start;
    if (index > 0) group.append(svg('line', { x1: place(start), x2: place(start), y1: top - 26, y2: bottom }));
    if (room > name.length * 6.4 + 8) group.append(svg('text', { x: place(Math.max(start, left) + 5), y: top - 19 }, name));
  });
  return group;
}

/** A cross on the upper edge for each violation that is argued. */
function drawFlags(flags, { x, top }) {
  const group = svg('g', { class: 'flags' });
  for (const at of flags) {
    const across = place(x(at));
    group.append(svg('path', { d: `M${across - 3} ${top - 3}l6 6m0 -6l-6 6` }));
  }
  return group;
}

/** The pattern that tells a band from the background without its colour. */
function drawHatch(id) {
  const line = svg('path', { d: 'M0 6L6 0', class: 'hatch' });
  return svg('defs', {}, svg('pattern', { id, width: 6, height: 6, patternUnits: 'userSpaceOnUse' }, line));
}
