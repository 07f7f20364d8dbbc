// Elements, and the marks of a chart. Texts are only ever set as text.

const SVG = 'http://www.w3.org/2000/svg';

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** An SVG element. */
function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

/** An HTML element. */
function html(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

const place = (figure) => Math.round(figure * 10) / 10;

/** A path through all points; where there is no figure, the line is broken. */
function through(points) {
  let pen = 'M';
  let path = '';
  let alone = [];
  const lonely = [];
  for (const point of points) {
    if (point === null) {
      if (alone.length === 1) lonely.push(alone[0]);
      alone = [];
      pen = 'M';
      continue;
    }
    path += `${pen}${place(point[0])} ${place(point[1])}`;
    alone.push(point);
    pen = 'L';
  }
  if (alone.length === 1) lonely.push(alone[0]);
  return { path, lonely };
}

/** One mark of a chart: a line with its lonely points, an area, or bars. */
function drawMark(mark, { x, y, base, at, edges }) {
  const group = svg('g', { class: `mark ${mark.colour} ${mark.shape}` });
  const shown = (figure) => figure !== null && figure !== undefined;
  if (mark.shape === 'bars') {
    mark.values.forEach((figure, index) => {
      const floor = mark.floor?.[index] ?? 0;
      if (!shown(figure) || figure <= 0) return;
      const [from, to] = edges(index).map(x);
      const gap = to - from > 5 ? 1 : 0;
      const top = y(floor + figure);
      const bottom = floor ? y(floor) : base;
      const height = Math.max(bottom - top, 1.5);
      group.append(svg('rect', { x: place(from), y: place(bottom - height), width: place(Math.max(to - from - gap, 1)), height: place(height) }));
    });
    return group;
  }
  const points = mark.values.map((figure, index) => (shown(figure) ? [x(at(index)), y(figure)] : null));
  const { path, lonely } = through(points);
  if (mark.shape === 'area' && points.some(Boolean)) {
    const real = points.filter(Boolean);
    group.append(svg('path', { class: 'under', d: `${path}L${place(real.at(-1)[0])} ${base}L${place(real[0][0])} ${base}Z` }));
  }
  group.append(svg('path', { class: 'line', d: path }));
  lonely.forEach(([left, top]) => group.append(svg('circle', { cx: place(left), cy: place(top), r: 2.2 })));
  return group;
}
