import { existsSync } from 'node:fs';
import { SecretsManager } from '@aws-sdk/client-secrets-manager';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { describe, onTestFinished } from 'vitest';
import { type ConsoleOptions, type RunningConsole, startConsole } from '../../src/console/index.ts';
import {
  type LocalSecretsManager,
  type LocalSecretsManagerOptions,
  startLocalSecretsManager,
} from '../../src/local/index.ts';

const chromiumPath = process.env.KEYTURN_TEST_CHROMIUM ?? '/usr/bin/chromium';
const missingBrowser = existsSync(chromiumPath)
  ? undefined
  : `there is no browser at ${chromiumPath}; KEYTURN_TEST_CHROMIUM names another`;

/** Tests in a real browser, skipped with the reason where there is none. */
export function describeInBrowser(name: string, tests: () => void): void {
  if (missingBrowser === undefined) describe(name, tests);
  else describe.skip(`${name} (skipped: ${missingBrowser})`, tests);
}

/** Starts the browser. */
export function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox'] });
}

/** A console in front of a local Secrets Manager, ended with the test. */
export interface ConsoleHarness {
  readonly local: LocalSecretsManager;
  readonly client: SecretsManager;
  readonly console: RunningConsole;
  /** What the terminal shows. */
  readonly notes: string[];
}

/** Starts both. */
export async function startHarness(
  localOptions: LocalSecretsManagerOptions = {},
  more: Partial<ConsoleOptions> = {},
): Promise<ConsoleHarness> {
  const local = await startLocalSecretsManager({ retryDelaysMs: [], ...localOptions });
  onTestFinished(() => local.close());
  const [admin] = localOptions.principals ?? [];
  const client = new SecretsManager({ ...local.clientConfig, ...(admin && { credentials: admin }) });
  onTestFinished(() => client.destroy());
  const notes: string[] = [];
  const { principals = [], roles, keys } = localOptions;
  const started = await startConsole({
    place: { endpoint: local.url, region: 'us-east-1' },
    kind: 'local',
    environment: {},
    policies: localOptions.policies === 'enforce' ? { principals, roles, keys } : undefined,
    events: local.on,
    note: (line) => notes.push(line),
    ...more,
  });
  onTestFinished(() => started.close());
  return { local, client, console: started, notes };
}

/** A page in a window of its own, which has opened the console. */
export interface OpenedPage {
  readonly page: Page;
  readonly context: BrowserContext;
  /** The first part of all paths. */
  readonly base: string;
  /** Every request, with what a server or a log would see of it. */
  readonly asked: { readonly url: string; readonly headers: Readonly<Record<string, string>> }[];
  /** The browser's complaints: errors of scripts, and breaches of the content security policy. */
  readonly complaints: string[];
  goto(path: string): Promise<void>;
}

/** Opens the address that the terminal shows. */
export async function openConsole(
  browser: Browser,
  address: string,
  options: NonNullable<Parameters<Browser['newContext']>[0]> = {},
): Promise<OpenedPage> {
  const context = await browser.newContext(options);
  onTestFinished(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const asked: OpenedPage['asked'][number][] = [];
  const complaints: string[] = [];
  page.on('request', (request) => asked.push({ url: request.url(), headers: request.headers() }));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(address);
  await page.waitForSelector('body[data-base]');
  const base = (await page.getAttribute('body', 'data-base')) ?? '';
  const goto = async (path: string): Promise<void> => {
    await page.goto(new URL(`${base}${path}`, address).href);
  };
  return { page, context, base, asked, complaints, goto };
}

/** A session without a browser, for requests that browsers never send. */
export interface RawSession {
  readonly base: string;
  readonly origin: string;
  readonly cookie: string;
  readonly csrf: string;
}

/** Opens the console without a browser. */
export async function openRaw(console_: RunningConsole): Promise<RawSession> {
  const opened = await fetch(console_.address());
  const set = opened.headers.get('set-cookie') ?? '';
  const cookie = set.split(';')[0] ?? '';
  const base = /Path=([^;]+)\//.exec(set)?.[1] ?? '';
  const { origin } = new URL(console_.url);
  const page = await fetch(`${origin}${base}/`, { headers: { cookie } });
  const csrf = /data-csrf="([^"]+)"/.exec(await page.text())?.[1] ?? '';
  return { base, origin, cookie, csrf };
}
