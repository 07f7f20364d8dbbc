// Chromium as the tests and the screenshots use it: the system's own, without a network, gone with the process that
// started it (it is driven over a pipe).

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

function executable() {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    for (const name of NAMES) {
      try {
        accessSync(join(folder, name), constants.X_OK);
        return join(folder, name);
      } catch {
        // Not here.
      }
    }
  }
  throw new Error('no Chromium is installed; tests/browser/prepare installs it');
}

/** Starts the browser; whoever starts it closes it. */
export function launch() {
  return chromium.launch({
    executablePath: executable(),
    args: ['--enable-blink-features=ComputedAccessibilityInfo', '--host-resolver-rules=MAP * ~NOTFOUND', '--font-render-hinting=none'],
    chromiumSandbox: process.getuid?.() !== 0,
  });
}
