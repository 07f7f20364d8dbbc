// The figures of a chart as a table, made when it is asked for.

/** Fills a chart's table whenever it is opened. */
function attachNumbers(view) {
  const details = view.figure.querySelector('details.numbers');
  const room = details.querySelector('.scroll');
  const refresh = () => room.replaceChildren(...(details.open ? [table(view.model)] : []));
  details.addEventListener('toggle', refresh);
  return { reset: refresh };
}

function table(model) {
  const heads = [model.x.name, ...model.marks.map((mark) => mark.name)];
  const head = html('tr', {}, ...heads.map((name) => html('th', { scope: 'col' }, name)));
  const body = html('tbody');
  for (let index = 0; index < model.stops; index += 1) {
    const figures = model.marks.map((mark) => html('td', {}, said(model, mark, index)));
    body.append(html('tr', {}, html('th', { scope: 'row' }, model.x.say(index)), ...figures));
  }
  return html('table', {}, html('thead', {}, head), body);
}
