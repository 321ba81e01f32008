import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { start, temporaryFolder } from '../local/harness.ts';
import { runKeyturnWith, startKeyturn } from './keyturn-process.ts';

/** Starts `keyturn ARGS`, and opens the console at the address that it prints. */
async function open(args: readonly string[], variables: Readonly<Record<string, string>> = {}) {
  const child = await startKeyturn({ variables }, ...args);
  const lines: string[] = [];
  const reader = createInterface(child.stdout);
  let address: string | undefined;
  for await (const line of reader) {
    lines.push(line);
    address = /http:[^\s"]+\?token=[\w-]+/.exec(line)?.[0];
    if (address !== undefined) break;
  }
  child.stdout.on('data', (chunk) => lines.push(...String(chunk).trim().split('\n')));
  child.stdout.resume();
  const opened = await fetch(address ?? 'no address');
  const set = opened.headers.get('set-cookie') ?? '';
  const cookie = set.split(';')[0] ?? '';
  const base = /Path=([^;]+)/.exec(set)?.[1] ?? '';
  const get = async (path: string): Promise<string> =>
    (await fetch(new URL(`${base}${path}`, address), { headers: { cookie } })).text();
  const end = async (): Promise<number | null> => {
    child.kill('SIGTERM');
    // With 'exit', some of its output could still be on its way.
    const [code]: (number | null)[] = await once(child, 'close');
    return code ?? null;
  };
  return { lines, get, end, address: address ?? '' };
}

describe('keyturn console', () => {
  it('starts a local Secrets Manager by itself, and keeps its secrets in a folder', async () => {
    const folder = await temporaryFolder();
    const { get, end, lines } = await open(['console', '--data', folder]);
    expect(lines[0]).toContain(`in ${folder}`);
    expect(await get('')).toContain('There are no secrets yet.');
    expect(await end()).toBe(0);
    expect(
      lines.some((line) => line.includes('opened in a browser; for another one: http://127.0.0.1:')),
    ).toBe(true);
  });

  it('uses a running Secrets Manager, and changes nothing with --read-only', async () => {
    const { local, client } = await start();
    await client.createSecret({ Name: 'prod/mail', SecretString: 'a value that is not printed' });
    const { get, end, lines } = await open(['console', '--read-only', '--json'], {
      AWS_ENDPOINT_URL: local.url,
    });
    const page = await get('');
    expect(page).toContain('prod/mail');
    expect(page).toContain(`local · ${new URL(local.url).host}`);
    expect(page).toContain('read-only');
    expect(await end()).toBe(0);
    for (const line of lines)
      expect(JSON.parse(line)).toMatchObject({ type: expect.stringMatching(/^console/) });
    expect(lines.join()).not.toContain('a value that is not printed');
  });

  it('knows the principals from a file of policies', async () => {
    const file = join(import.meta.dirname, '../../examples/policies/johndoe.json');
    const { get, end } = await open(['console', '--policies', file]);
    expect(await get('who-may')).toContain('johndoe-without-deny');
    expect(await end()).toBe(0);
  });

  it('is served by keyturn local --console', async () => {
    const { get, end, lines } = await open(['local', '--console']);
    expect(lines[0]).toContain('Secrets Manager listens on');
    expect(await get('rotations')).toContain('The next five weeks');
    expect(await end()).toBe(0);
  });

  it('takes the region of the environment for an endpoint of AWS', async () => {
    const { get, end } = await open(['console', '--endpoint', 'http://secretsmanager.example.invalid'], {
      AWS_REGION: 'eu-west-1',
    });
    expect(await get('no-such-page')).toContain('AWS · eu-west-1');
    expect(await end()).toBe(0);
  });

  it.each([
    [['--aws', '--endpoint', 'http://127.0.0.1:1'], '--endpoint and --aws do not go together'],
    [['--endpoint', 'ftp://x'], '--endpoint must be'],
    [['--data', 'x', '--aws'], '--data is for'],
    [['--port', '70000'], '--port must be'],
    [['--host', ''], '--host must be'],
    [['--host-name', 'a b'], '--host-name must be'],
    [['--policies', 'no-such-file'], "can't be read"],
    [['--unknown'], 'Unknown option'],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await runKeyturnWith({}, 'console', ...args);
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
  });

  it('takes no Secrets Manager of another machine for a local one', async () => {
    const elsewhere = { AWS_ENDPOINT_URL: 'https://secretsmanager.example.com' };
    const { code, stderr } = await runKeyturnWith({ variables: elsewhere }, 'console');
    expect([code, stderr]).toEqual([2, expect.stringContaining('not on this machine')]);
    const here = { AWS_ENDPOINT_URL: 'http://localhost:4584' };
    const aws = await runKeyturnWith({ variables: here }, 'console', '--aws');
    expect([aws.code, aws.stderr]).toEqual([2, expect.stringContaining('which is not AWS')]);
  });

  it('says that its port is taken', async () => {
    const { local } = await start();
    const { port } = new URL(local.url);
    const { code, stderr } = await runKeyturnWith({}, 'console', '--port', port);
    expect([code, stderr]).toEqual([1, expect.stringContaining('EADDRINUSE')]);
  });
});
