// The page of a report in a real browser. `PAGES` names a folder of pages: `fail`, `pass`, `empty`, `conform`, `races`,
// `hostile`, `long`; tests/browser.rs makes them and runs this.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { launch } from './browser.mjs';
import { contrasts, names, structure } from './inspect.mjs';

const PAGES = ['fail', 'pass', 'empty', 'conform', 'races', 'hostile', 'long'];
const OVER_TIME = ['latency', 'throughput', 'connected', 'errors', 'lag'];

let browser;
before(async () => { browser = await launch(); });
after(async () => { await browser?.close(); });

const addressOf = (name) => pathToFileURL(join(process.env.PAGES, `${name}.html`)).href;

/** Opens a page, runs `use` on it, and checks that it kept quiet: no error, no dialog, nothing loaded. */
async function open(name, options, use) {
  const context = await browser.newContext({ viewport: { width: 1100, height: 800 }, ...options });
  const trouble = [];
  try {
    const page = await context.newPage();
    page.on('console', (message) => trouble.push(`console: ${message.text()}`));
    page.on('pageerror', (error) => trouble.push(`error: ${error}`));
    page.on('dialog', (dialog) => { trouble.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
    page.on('request', (request) => {
      const address = request.url();
      if (address !== addressOf(name) && !address.startsWith('data:')) trouble.push(`loads ${address}`);
    });
    await page.goto(addressOf(name));
    page.setDefaultTimeout(10_000);
    if (options.javaScriptEnabled !== false) await page.waitForSelector('html.ready');
    await use(page);
  } catch (error) {
    throw new Error([error.message, ...trouble].join('\n'), { cause: error });
  } finally {
    await context.close();
  }
  assert.deepEqual(trouble, []);
}

/** The figures of a page: how many marks each has drawn, or the sentence in their place. */
function figures(page) {
  return page.$$eval('figure.chart', (all) => Object.fromEntries(all.map((figure) => [
    figure.id.replace('chart-', ''),
    figure.querySelector('.plot p')?.textContent ?? figure.querySelectorAll('.mark .line[d^="M"], .plot .mark circle, .plot .mark rect').length,
  ])));
}

describe('every page', () => {
  for (const name of PAGES) {
    test(`${name}: opens alone and in silence, is sound, and every control has a name`, async (t) => {
      await open(name, {}, async (page) => {
        const took = await page.evaluate(() => performance.getEntriesByType('navigation')[0].domComplete);
        t.diagnostic(`${name}: complete after ${Math.round(took)} ms`);
        assert.deepEqual(await page.evaluate(structure), []);
        // It takes a tree of the whole page for each name.
        if (name !== 'long') assert.deepEqual(await page.evaluate(names), []);
      });
    });

    for (const colorScheme of ['light', 'dark']) {
      test(`${name}: is readable in ${colorScheme}`, async () => {
        await open(name, { colorScheme }, async (page) => {
          const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
          const isDark = Number(ground.match(/\d+/)[0]) < 128;
          assert.equal(isDark, colorScheme === 'dark');
          assert.deepEqual(await page.evaluate(contrasts), []);
        });
      });
    }

    test(`${name}: fits a phone`, async () => {
      await open(name, { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true }, async (page) => {
        const width = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(width <= 360, `${width} pixels wide`);
      });
    });

    // A hundred sheets prove no more than a few.
    if (name === 'long') continue;
    test(`${name}: prints`, async () => {
      await open(name, {}, async (page) => {
        const paper = await page.pdf({ format: 'A4' });
        assert.ok(paper.length > 5_000);
        await page.emulateMedia({ media: 'print' });
        assert.equal(await page.locator('nav').isVisible(), false);
        assert.equal(await page.locator('h1').isVisible(), true);
      });
    });
  }
});

describe('charts', () => {
  test('of a failing run all show data', async () => {
    await open('fail', {}, async (page) => {
      const drawn = await figures(page);
      assert.deepEqual(Object.keys(drawn).sort(), ['connected', 'curve', 'errors', 'histogram', 'lag', 'latency', 'throughput']);
      for (const [name, marks] of Object.entries(drawn)) assert.ok(marks > 0, `${name}: ${marks}`);
      assert.ok(await page.locator('#chart-latency .bands .shade').count() > 0, 'faults are bands');
      assert.equal(await page.locator('#chart-lag .bands .shade').count(), await page.locator('.faults li').count());
      assert.ok(await page.locator('#chart-latency .phases text').count() > 0, 'phases have names');
      assert.ok(await page.locator('#chart-throughput .flags path').count() > 0, 'violations are marked');
    });
  });

  test('of an empty run say so', async () => {
    await open('empty', {}, async (page) => {
      for (const [name, said] of Object.entries(await figures(page))) {
        assert.ok(said > 0 || /^No|^Nothing/.test(said), `${name}: ${said}`);
      }
    });
  });

  test('follow the pointer, together', async () => {
    await open('fail', {}, async (page) => {
      const plot = page.locator('#chart-throughput .plot');
      await plot.scrollIntoViewIfNeeded();
      const box = await plot.boundingBox();
      await page.mouse.move(box.x + box.width * 0.6, box.y + box.height / 2);
      const tip = page.locator('#chart-throughput .tip');
      assert.match(await tip.innerText(), /s to .* s\s+sent\s+[\d.,]+\/s/);
      for (const name of OVER_TIME) {
        assert.equal(await page.locator(`#chart-${name} .crosshair line`).count(), 1, name);
      }
      assert.notEqual(await page.locator('#chart-connected .legend .value').innerText(), '');
      await page.mouse.move(2, 2);
      assert.equal(await tip.isVisible(), false);
      assert.equal(await page.locator('#chart-lag .crosshair line').count(), 0);
    });
  });

  test('are walked with the keyboard, and say where one is', async () => {
    await open('fail', {}, async (page) => {
      const slider = page.locator('#chart-curve .cursor');
      const said = () => slider.getAttribute('aria-valuetext');
      await slider.focus();
      await page.keyboard.press('Home');
      assert.match(await said(), /^the fastest: from the planned time [\d.]+ (µs|ms|s)/);
      await page.keyboard.press('ArrowRight');
      assert.match(await said(), /% took at most: /);
      await page.keyboard.press('End');
      assert.match(await said(), /^the slowest: /);
      assert.equal(await slider.getAttribute('aria-valuenow'), await slider.getAttribute('aria-valuemax'));
      await page.keyboard.press('Escape');
      assert.equal(await page.locator('#chart-curve .tip').isVisible(), false);
    });
  });

  test('show the latency that is chosen', async () => {
    await open('fail', {}, async (page) => {
      const line = () => page.locator('#chart-curve .plot .mark .line').first().getAttribute('d');
      const before = await line();
      await page.getByRole('radio', { name: 'ack', exact: true }).focus();
      await page.keyboard.press('Space');
      assert.equal(await page.locator('#chart-curve .chosen').innerText(), 'ack');
      assert.notEqual(await line(), before);
    });
  });

  test('have their figures as a table', async () => {
    await open('fail', {}, async (page) => {
      for (const name of ['curve', 'histogram', ...OVER_TIME]) {
        const figure = page.locator(`#chart-${name}`);
        await figure.locator('summary').click();
        const stops = Number(await figure.locator('.cursor').getAttribute('aria-valuemax')) + 1;
        await figure.locator('tbody tr').first().waitFor();
        assert.equal(await figure.locator('tbody tr').count(), stops, name);
      }
    });
  });

  test('are drawn anew when the window changes', async () => {
    await open('fail', {}, async (page) => {
      const width = () => page.locator('#chart-latency svg[viewBox]').last().getAttribute('width');
      const before = Number(await width());
      await page.setViewportSize({ width: 500, height: 800 });
      await page.waitForFunction((wide) => Number(document.querySelector('#chart-latency .plot > svg').getAttribute('width')) < wide, before);
    });
  });
});

describe('verdicts', () => {
  test('of a failing run come first, with diagram, argument and command', async () => {
    await open('fail', {}, async (page) => {
      assert.match(await page.locator('h1').innerText(), /FAIL/);
      const first = page.locator('main > section').first().locator('article').first();
      assert.match(await first.locator('h3').innerText(), /idempotency/);
      const stones = await first.locator('svg.diagram').first().locator('.stone').count();
      assert.equal(stones, await first.locator('ol.exhibits').first().locator('li').count());
      assert.equal(await first.locator('svg.diagram').first().locator('.contra').count(), 1);
      assert.ok(await first.locator('.lane.server').count() > 0);
      assert.match(await first.locator('.again code').innerText(), /^assize run .*--bug dedup-race/);
      await first.locator('ol.exhibits li').first().hover();
      assert.equal(await first.locator('svg.diagram').first().locator('.lit').count(), 1);
      await first.locator('button.copy').click();
      await first.locator('button.copy', { hasText: /Copied|Selected/ }).waitFor();
    });
  });

  test('of the catalogue name each case, and lead to what failed', async () => {
    await open('conform', {}, async (page) => {
      assert.match(await page.locator('h1').innerText(), /FAIL/);
      const failing = page.locator('#failures article.failure').first();
      assert.ok(await failing.locator('svg.diagram').count() > 0);
      assert.match(await failing.locator('.again code').innerText(), /^assize conform /);
      const list = page.locator('#cases details').first();
      await list.locator('summary').click();
      await list.locator('a').first().click();
      assert.match(page.url(), /#case-/);
    });
  });

  test('are there without a script, too', async () => {
    await open('fail', { javaScriptEnabled: false }, async (page) => {
      assert.match(await page.locator('main').innerText(), /two ids for one key/);
      assert.ok(await page.locator('svg.diagram').count() > 0);
      assert.equal(await page.locator('.plot').first().isVisible(), false);
    });
  });
});

describe('races', () => {
  const lanes = [3, 4, 8];

  test('are drawn with a line per client and one for the server, and the contradiction is marked', async () => {
    await open('races', {}, async (page) => {
      const plays = await page.$$eval('.failure', (all) => all.map((failure) => {
        const drawing = [...failure.querySelectorAll('svg.diagram')].at(-1);
        const count = (selector) => drawing.querySelectorAll(selector).length;
        return {
          lanes: count('.lane'), server: count('.lane.server'), rule: count('.rule'), marked: count('.contra'),
          arrows: count('.arrow'), told: failure.querySelectorAll('.exhibits')[1].children.length,
        };
      }));
      assert.deepEqual(plays.map((play) => play.lanes), lanes);
      for (const play of plays) {
        assert.deepEqual([play.server, play.rule], [1, 1]);
        assert.equal(play.arrows, play.told, 'each line is an arrow');
        assert.ok(play.marked > 2 && play.marked <= play.told, `${play.marked} marked`);
      }
    });
  });

  for (const width of [1100, 390]) {
    test(`have words that stand apart at ${width} pixels`, async () => {
      await open('races', { viewport: { width, height: 800 } }, async (page) => {
        const clashes = await page.$$eval('svg.diagram', (all) => all.flatMap((drawing) => {
          const words = [...drawing.querySelectorAll('text')].filter((word) => word.textContent);
          const boxes = words.map((word) => ({ said: word.textContent, box: word.getBBox() }));
          const meet = ({ box: a }, { box: b }) =>
            a.x + 1 < b.x + b.width && b.x + 1 < a.x + a.width && a.y + 3 < b.y + b.height && b.y + 3 < a.y + a.height;
          const view = drawing.viewBox.baseVal;
          const outside = boxes.filter(({ box }) => box.x < 0 || box.x + box.width > view.width);
          const pairs = boxes.flatMap((one, index) => boxes.slice(index + 1).filter((other) => meet(one, other))
            .map((other) => `${one.said} over ${other.said}`));
          return [...pairs, ...outside.map(({ said }) => `${said} is cut off`)];
        }));
        assert.deepEqual(clashes, []);
      });
    });
  }

  test('of two people fit a phone', async () => {
    await open('races', { viewport: { width: 390, height: 800 }, isMobile: true }, async (page) => {
      const [drawing] = await page.$$eval('.drawing', (all) => all.map((one) => [one.scrollWidth, one.clientWidth]));
      assert.ok(drawing[0] <= drawing[1], `${drawing}`);
    });
  });
});

test('the keyboard gets through the page, from the first link to the last control', async () => {
  await open('fail', {}, async (page) => {
    const reached = [];
    for (let step = 0; step < 200; step += 1) {
      await page.keyboard.press('Tab');
      const where = await page.evaluate(() => {
        const element = document.activeElement;
        if (element === document.body) return null;
        const seen = element.getBoundingClientRect();
        return { what: element.computedRole, name: element.computedName, seen: seen.width > 0 && seen.height > 0 };
      });
      if (where === null) break;
      reached.push(where);
    }
    assert.equal(reached[0].name, 'Skip to the verdicts');
    assert.deepEqual(reached.filter(({ name, seen }) => !name || !seen), []);
    const roles = new Set(reached.map(({ what }) => what));
    for (const role of ['link', 'radio', 'slider', 'button', 'region']) assert.ok(roles.has(role), `no ${role} was reached`);
    assert.equal(reached.filter(({ what }) => what === 'slider').length, 7);
  });
});

test('what a server said is shown and does nothing', async () => {
  await open('hostile', {}, async (page) => {
    assert.equal(await page.evaluate(() => window.owned), undefined);
    assert.equal(await page.locator('img, iframe, object, base, form').count(), 0);
    assert.equal(await page.locator('script').count(), 2);
    assert.match(await page.locator('main').innerText(), /<\/script><script>window\.owned = 1<\/script>/);
  });
});
