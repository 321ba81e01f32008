import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { setStage } from './console-stage.ts';
import { readScript } from './program.ts';

const { values } = readScript({
  about: 'Makes the two pictures of the console that the README shows, from the running page.',
  command: 'npm run screenshots',
  options: {
    all: {
      type: 'string',
      placeholder: 'FOLDER',
      about:
        'Make pictures of every page instead, light and dark, for a wide screen and a phone, in this folder',
    },
    chromium: {
      type: 'string',
      placeholder: 'PATH',
      default: '/usr/bin/chromium',
      about: 'The browser (default: /usr/bin/chromium)',
    },
  },
});

await run();

async function run(): Promise<void> {
  process.stdout.write('Starting a Secrets Manager with five months of history ...\n');
  const stage = await setStage();
  const browser = await chromium.launch({ executablePath: values.chromium, args: ['--no-sandbox'] });
  try {
    const secretPage = `secret?id=${encodeURIComponent(stage.rotated)}`;
    const stuckPage = `secret?id=${encodeURIComponent(stage.stuck)}`;
    if (values.all === undefined) {
      const docs = join(import.meta.dirname, '../docs');
      const page = await open(browser, stage.console.address(), 'light', 1180);
      await shoot(page, '', join(docs, 'console-secrets.png'), { height: 720 });
      await shoot(page, secretPage, join(docs, 'console-secret.png'), { height: 940 });
      return;
    }
    await mkdir(values.all, { recursive: true });
    for (const scheme of ['light', 'dark'] as const) {
      for (const width of [1240, 390]) {
        const page = await open(browser, stage.console.address(), scheme, width);
        const at = (name: string): string => join(String(values.all), `${name}-${scheme}-${width}.png`);
        await shoot(page, '', at('secrets'));
        await shoot(page, secretPage, at('secret'));
        await shoot(page, stuckPage, at('stuck'));
        await shoot(page, 'rotations', at('rotations'));
        await shoot(page, 'store', at('store'));
        await shoot(page, '?q=nothing-has-this-name', at('nothing'));
        await shoot(page, 'secret?id=no-such', at('missing'));
        await page.close();
      }
    }
  } finally {
    await browser.close();
    await stage.close();
  }
}

async function open(
  browser: Browser,
  address: string,
  colorScheme: 'light' | 'dark',
  width: number,
): Promise<Page> {
  const context = await browser.newContext({
    colorScheme,
    viewport: { width, height: 900 },
    deviceScaleFactor: values.all === undefined ? 1 : 1.5,
  });
  const page = await context.newPage();
  await page.goto(address);
  await page.waitForSelector('h1:has-text("Secrets")');
  return page;
}

async function shoot(
  page: Page,
  path: string,
  file: string,
  clip?: { readonly height: number },
): Promise<void> {
  const base = await page.getAttribute('body', 'data-base');
  await page.goto(new URL(`${base}/${path}`, page.url()).href);
  await page.waitForLoadState('load');
  if (clip === undefined) await page.screenshot({ path: file, fullPage: true });
  else {
    const width = page.viewportSize()?.width ?? 0;
    await page.screenshot({ path: file, fullPage: true, clip: { x: 0, y: 0, width, height: clip.height } });
  }
  process.stdout.write(`${file}\n`);
}
