// What is looked at inside a page. Each function runs there and gives a list of complaints.

/** Landmarks, headings, ids and references are sound. */
export function structure() {
  const wrong = [];
  for (const landmark of ['header', 'nav', 'main']) {
    if (document.querySelectorAll(`body > ${landmark}`).length !== 1) wrong.push(`not one ${landmark}`);
  }
  if (!document.documentElement.lang) wrong.push('no language');
  if (document.querySelectorAll('h1').length !== 1) wrong.push('not one h1');
  let level = 0;
  for (const heading of document.querySelectorAll('h1, h2, h3, h4')) {
    const next = Number(heading.tagName[1]);
    if (next > level + 1) wrong.push(`from h${level} to h${next}: ${heading.textContent}`);
    level = next;
  }
  const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
  wrong.push(...ids.filter((id, index) => ids.indexOf(id) !== index).map((id) => `twice: ${id}`));
  for (const name of ['aria-labelledby', 'aria-describedby']) {
    for (const element of document.querySelectorAll(`[${name}]`)) {
      for (const id of element.getAttribute(name).split(' ')) if (!ids.includes(id)) wrong.push(`${name} names ${id}`);
    }
  }
  for (const link of document.querySelectorAll('a[href^="#"]')) {
    if (!ids.includes(decodeURIComponent(link.hash.slice(1)))) wrong.push(`leads nowhere: ${link.hash}`);
  }
  for (const cell of document.querySelectorAll('table th')) if (!cell.scope && !cell.closest('.tip')) wrong.push(`a head of what? ${cell.textContent}`);
  return wrong;
}

/** Everything that can be used, and everything that is a picture, has a name. */
export function names() {
  const all = document.querySelectorAll('a, button, input, summary, [tabindex], [role], section, article, figure, nav');
  return [...all]
    .filter((element) => element.checkVisibility() && !element.computedName && element.computedRole !== 'generic' && element.computedRole !== 'none')
    .map((element) => `${element.computedRole} without a name: ${element.outerHTML.slice(0, 90)}`);
}

/** Every text has a contrast of 4.5 to its ground at least. */
export function contrasts() {
  const parse = (colour) => colour.match(/[\d.]+/g).map(Number);
  const channel = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  const light = ([red, green, blue]) => 0.2126 * channel(red) + 0.7152 * channel(green) + 0.0722 * channel(blue);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const wrong = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !element.checkVisibility() || element.closest('script, .unseen, .skip')) continue;
    const style = getComputedStyle(element);
    const inDrawing = element.namespaceURI.endsWith('svg');
    if (inDrawing && element.closest('.contra .stone')) continue;
    const [one, other] = [light(parse(inDrawing ? style.fill : style.color)), light(ground(element))].sort((a, b) => b - a);
    const ratio = (one + 0.05) / (other + 0.05);
    if (ratio < 4.5) wrong.add(`${ratio.toFixed(2)}: ${element.className.baseVal ?? element.className} "${element.textContent.slice(0, 30)}"`);
  }
  return [...wrong];
}
