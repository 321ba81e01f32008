import { execFile } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startLatencyProxy } from '../../bench/rotation/latency-proxy.ts';

const root = join(import.meta.dirname, '../..');

/** Runs the bench with arguments that end it before it measures. */
function run(...args: string[]): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const flags = ['--disable-warning=ExperimentalWarning', 'bench/rotation.ts', ...args];
  return new Promise((resolve) => {
    execFile(process.execPath, flags, { cwd: root }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr }),
    );
  });
}

describe('bench:rotation', () => {
  it('explains its options', async () => {
    const { code, stdout } = await run('--help');
    expect(code).toBe(0);
    for (const option of ['--templates PATH', '--python PATH', '--rotations N', '--json', '--help']) {
      expect(stdout).toContain(option);
    }
  });

  it.each([
    { args: ['--fast'], code: 2, says: '--fast' },
    { args: ['--rotations', '0'], code: 1, says: '--rotations takes a whole number' },
    { args: ['--templates', root, '--python', process.execPath], code: 1, says: '--templates: there is no' },
  ])('says in one line what is wrong with $args', async ({ args, code, says }) => {
    const ended = await run(...args);
    expect(ended).toMatchObject({ code, stdout: '' });
    expect(ended.stderr).toContain(says);
    expect(ended.stderr.trim().split('\n')).toHaveLength(1);
  });
});

describe('the latency proxy', () => {
  it('passes data on in the order in which it was sent', async () => {
    const echo = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
    await new Promise((resolve) => echo.once('listening', resolve));
    onTestFinished(() => void echo.close());
    const address = echo.address();
    if (address === null || typeof address === 'string') throw new Error('No port.');
    const proxy = await startLatencyProxy({ host: '127.0.0.1', port: address.port }, 4);
    onTestFinished(() => proxy.close());

    const client = connect({ host: '127.0.0.1', port: proxy.port, noDelay: true });
    const lines = Array.from({ length: 50 }, (_, index) => `line ${index}\n`);
    for (const line of lines) {
      client.write(line);
      await new Promise((resolve) => setImmediate(resolve));
    }
    client.end();
    expect(await text(client)).toBe(lines.join(''));
  });
});
