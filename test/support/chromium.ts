/** Debian's Chromium for tests that need a browser; elsewhere they are left out and say why. */
import { spawnSync } from 'node:child_process';
import { type Browser, chromium } from 'playwright-core';

const names = ['chromium', 'chromium-browser', 'google-chrome'];

/** Path of the browser, undefined where there is none. */
function chromiumPath(): string | undefined {
  if (process.platform !== 'linux') return undefined;
  const found = names.map((name) => spawnSync('which', [name], { encoding: 'utf8' }).stdout.trim());
  return found.find((file) => file !== '');
}

/** False to run, else why not. */
export function browserMissing(): string | false {
  if (process.platform !== 'linux') return 'tests in a browser run on Linux only';
  return chromiumPath() === undefined && 'no Chromium here: apt-get install chromium';
}

export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath(),
    timeout: 120_000,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--force-color-profile=srgb',
      '--font-render-hinting=none',
    ],
  });
}
