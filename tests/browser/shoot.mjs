// A page as a picture: node shoot.mjs PAGE PICTURE [WIDTH [HEIGHT [light|dark [SELECTOR]]]]. With a selector, the page is
// scrolled there, and the pointer rests in the middle of it.

import { pathToFileURL } from 'node:url';
import { launch } from './browser.mjs';

const [page, picture, width = '1100', height = '1500', colorScheme = 'light', selector = ''] = process.argv.slice(2);
const browser = await launch();
try {
  const context = await browser.newContext({ viewport: { width: Number(width), height: Number(height) }, colorScheme });
  const tab = await context.newPage();
  await tab.goto(pathToFileURL(page).href);
  await tab.waitForSelector('html.ready');
  if (selector) {
    const place = tab.locator(selector).first();
    await place.evaluate((element) => element.scrollIntoView({ block: 'center', behavior: 'instant' }));
    const box = await place.boundingBox();
    await tab.mouse.move(box.x + box.width * 0.62, box.y + box.height * 0.5);
  }
  await tab.screenshot({ path: picture });
} finally {
  await browser.close();
}
