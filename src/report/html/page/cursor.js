// The cursor of a chart: a crosshair and a note that follow the pointer, a finger, or the arrow keys. To a screen reader
// it is a slider whose value is said in words. Charts over the same time move together.

const together = [];

/** Gives a chart its cursor. */
function attachCursor(view) {
  const tip = html('div', { class: 'tip', 'aria-hidden': 'true', hidden: '' });
  const handle = html('div', {
    class: 'cursor', role: 'slider', tabindex: '0', 'aria-orientation': 'horizontal', 'aria-valuemin': '0', 'aria-valuemax': '0', 'aria-valuenow': '0',
    'aria-labelledby': `${view.figure.id}-title`, 'aria-describedby': 'how-to-walk',
  });
  view.plot.append(tip, handle);
  const cursor = { view, tip, handle, index: null };
  view.place = () => put(cursor, cursor.index, false);
  handle.addEventListener('pointermove', (event) => move(cursor, nearest(view, event)));
  handle.addEventListener('pointerdown', (event) => move(cursor, nearest(view, event)));
  handle.addEventListener('pointerleave', () => document.activeElement !== handle && move(cursor, null));
  handle.addEventListener('focus', () => cursor.index === null && handle.matches(':focus-visible') && move(cursor, first(view.model)));
  handle.addEventListener('blur', () => move(cursor, null));
  handle.addEventListener('keydown', (event) => {
    const next = step(event.key, cursor.index ?? 0, view.model.stops);
    if (next === undefined) return;
    event.preventDefault();
    move(cursor, next);
  });
  together.push(cursor);
  return { reset: () => reset(cursor) };
}

function reset(cursor) {
  const { model } = cursor.view;
  cursor.index = null;
  cursor.tip.hidden = true;
  cursor.handle.setAttribute('aria-valuemax', Math.max(model.stops - 1, 0));
  describe(cursor, first(model));
}

/** Moves this cursor, and with it those that share its time. */
function move(cursor, index) {
  put(cursor, index, true);
  const { shared } = cursor.view.model;
  if (!shared) return;
  for (const other of together) {
    if (other !== cursor && other.view.model?.shared === shared) put(other, index, false);
  }
}

function put(cursor, index, isHere) {
  const { view, tip } = cursor;
  cursor.index = index;
  const crosshair = view.drawing?.querySelector('.crosshair');
  if (!crosshair) return;
  crosshair.replaceChildren();
  const outputs = view.figure.querySelectorAll('.legend .value');
  view.model.marks.forEach((mark, number) => {
    outputs[number].textContent = index === null ? '' : said(view.model, mark, index);
  });
  tip.hidden = index === null || !isHere;
  if (index === null) return;
  describe(cursor, index);
  const { x, y, at, top, bottom } = view.scales;
  const across = place(x(at(index)));
  crosshair.append(svg('line', { x1: across, x2: across, y1: top, y2: bottom }));
  for (const mark of view.model.marks) {
    const figure = mark.values[index];
    if (mark.shape === 'bars' || figure === null || figure === undefined) continue;
    crosshair.append(svg('circle', { class: `mark ${mark.colour}`, cx: across, cy: place(y(figure)), r: 3.5 }));
  }
  if (isHere) note(cursor, index, across);
}

/** The note beside the crosshair, on the side where there is room. */
function note({ view, tip }, index, across) {
  const { model } = view;
  const rows = model.marks.map((mark) => html('tr', {}, html('th', {}, mark.name), html('td', {}, said(model, mark, index))));
  const also = (model.also?.(index) ?? []).map((line) => html('p', {}, line));
  tip.replaceChildren(html('strong', {}, model.x.say(index)), html('table', {}, ...rows), ...also);
  const width = tip.offsetWidth;
  const right = across + 12 + width <= view.plot.clientWidth;
  tip.style.left = `${Math.max(0, right ? across + 12 : across - 12 - width)}px`;
}

/** The cursor's place in words, for who does not see it. */
function describe({ view, handle }, index) {
  const { model } = view;
  const figures = model.marks.map((mark) => `${mark.name} ${said(model, mark, index)}`);
  const also = model.also?.(index) ?? [];
  handle.setAttribute('aria-valuenow', index);
  handle.setAttribute('aria-valuetext', [`${model.x.say(index)}: ${figures.join(', ')}`, ...also].join('. '));
}

function said(model, mark, index) {
  const figure = mark.values[index];
  return figure === null || figure === undefined ? '–' : model.y.say(figure);
}

/** The first stop at which something was measured. */
function first(model) {
  const index = Array.from({ length: model.stops }, (_, stop) => stop).find((stop) => model.marks.some((mark) => mark.values[stop] > 0));
  return index ?? 0;
}

/** The stop that is nearest to the pointer. */
function nearest(view, event) {
  const { x, at } = view.scales;
  const across = event.clientX - view.plot.getBoundingClientRect().left;
  let [low, high] = [0, view.model.stops - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (x(at(middle)) < across) low = middle;
    else high = middle;
  }
  return across - x(at(low)) < x(at(high)) - across ? low : high;
}

/** The stop that a key leads to. */
function step(key, index, stops) {
  const leap = Math.max(1, Math.round(stops / 10));
  const moves = {
    ArrowLeft: index - 1, ArrowDown: index - 1, ArrowRight: index + 1, ArrowUp: index + 1,
    PageDown: index - leap, PageUp: index + leap, Home: 0, End: stops - 1,
  };
  if (key === 'Escape') return null;
  return moves[key] === undefined ? undefined : Math.min(Math.max(moves[key], 0), stops - 1);
}
