import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { main } from '../../src/cli/main.ts';
import { temporaryFolder } from '../local/harness.ts';
import { clientAt, runKeyturn, startKeyturnLocal } from './keyturn-process.ts';
import { functionArn } from './rotation-commands.ts';

describe('keyturn', () => {
  it('shows its help and its version', async () => {
    const help = await runKeyturn('--help');
    expect(help).toMatchObject({ code: 0, stdout: expect.stringContaining('keyturn COMMAND'), stderr: '' });
    expect(help.stdout).toContain('local');
    expect(await runKeyturn('--version')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
    for (const command of ['attach', 'rotate', 'status']) {
      expect(help.stdout).toContain(`  ${command} `);
      const { code, stdout } = await runKeyturn(command, '--help');
      expect([code, stdout]).toEqual([0, expect.stringMatching(/^Usage: .*^Examples:/ms)]);
    }
    expect(await runKeyturn('local', '--help')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('--data DIR'),
    });
  });

  describe('with --json', () => {
    const answerTo = async (...args: string[]): Promise<readonly [number, unknown]> => {
      let said = '';
      const stdout = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
        said += String(text);
        return true;
      });
      try {
        return [await main(args), JSON.parse(said)];
      } finally {
        stdout.mockRestore();
      }
    };
    const wrong = { outcome: 'failed', error: { code: 'WrongArguments', message: expect.any(String) } };

    it('answers wrong arguments with a document, in every command', async () => {
      const { stdout } = await runKeyturn('--help');
      const [, list = ''] = /^Commands:\n(.*?)\n\n/ms.exec(stdout) ?? [];
      const names = list
        .split('\n')
        .map((line) => line.trim().split(' ')[0] ?? '')
        .filter((name) => name !== 'help');
      expect(names.length).toBeGreaterThan(9);
      for (const name of names) {
        expect(await answerTo(name, '--json', '--nonsense'), name).toEqual([2, wrong]);
      }
    });

    it('answers an unknown command with a document', async () => {
      for (const args of [
        ['--json'],
        ['--json', 'nonsense'],
        ['nonsense', '--json'],
        ['help', 'nonsense', '--json'],
      ])
        expect(await answerTo(...args)).toEqual([2, wrong]);
    });

    it('answers a later failure with a document too', async () => {
      const data = join(await temporaryFolder(), 'file');
      await writeFile(data, '');
      const error = { code: expect.any(String), message: expect.stringContaining(data) };
      expect(await answerTo('local', '--json', '--data', data)).toEqual([1, { outcome: 'failed', error }]);
    });
  });

  it.each([
    [[], 'Usage:'],
    [['nonsense'], "unknown command 'nonsense'"],
    [['local', '--nonsense'], '--nonsense'],
    [['local', 'extra'], 'extra'],
    [['local', '--port', '99999'], '--port'],
    [['local', '--port', 'many'], '--port'],
    [['local', '--data', ''], '--data'],
    [['local', '--host', ''], '--host'],
    [['local', '--region', 'Berlin'], '--region'],
    [['local', '--lambda-endpoint', 'nowhere'], '--lambda-endpoint'],
    [['local', '--host-name', 'a:80'], '--host-name'],
    [['local', '--host-name', 'http://a'], '--host-name'],
    [['local', '--allow-origin', 'null'], '--allow-origin'],
    [['local', '--allow-origin', 'http://a/page'], '--allow-origin'],
    [['local', '--throttle', 'gcp'], '--throttle'],
    [['local', '--throttle', 'Nothing=5'], '--throttle'],
    [['local', '--latency', '9-1'], '--latency'],
    [['local', '--fault', 'GetSecretValue=explode'], '--fault'],
    [['local', '--fault', 'GetSecretValue=reset:0'], '--fault'],
    [['local', '--fault', 'Nothing=reset'], '--fault'],
    [['local', '--seed', '1'], '--seed'],
    [['local', '--fault', '*=reset', '--seed', 'x'], '--seed'],
    [['status'], 'name the secret'],
    [['status', 'a', 'b'], "without 'b'"],
    [['status', 'a', '--endpoint', 'nowhere'], '--endpoint'],
    [['status', 'a', '--nonsense'], '--nonsense'],
    [['rotate', 'a', '--timeout', 'soon'], '--timeout'],
    [['attach', 'a', '--every', '30d'], '--function ARN'],
    [['attach', 'a', '--function', 'keyturn', '--every', '30d'], 'must be the ARN'],
    [['attach', 'a', '--function', functionArn], '--every 30d'],
    [['attach', 'a', '--function', functionArn, '--every', '14d', '--at-hour', '3'], 'is one of 4h'],
  ])('refuses %j with exit code 2', async (args, message) => {
    const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    onTestFinished(() => stderr.mockRestore());
    expect(await main(args)).toBe(2);
    const printed = stderr.mock.calls.join('');
    expect(printed).toContain(message);
    expect(printed).not.toContain('    at ');
  });

  it('passes the exit code of the command on', async () => {
    expect(await runKeyturn('nonsense')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('nonsense'),
    });
  });
});

describe('keyturn local', () => {
  it('prints its URL first, serves, and ends cleanly', async () => {
    const server = await startKeyturnLocal('--region', 'eu-central-1');
    expect(server.firstLine).toMatch(/http:\/\/127\.0\.0\.1:\d+$/);
    const created = await clientAt(server.url, 'eu-central-1').createSecret({
      Name: 'n',
      SecretString: 'hunter2',
    });
    expect(created.ARN).toContain(':eu-central-1:');
    const ended = await server.kill('SIGTERM');
    expect(ended).toMatchObject({ code: 0, signal: null, stderr: '' });
    expect(ended.stdout).toContain('CreateSecret');
    expect(ended.stdout).not.toContain('hunter2');
    expect(ended.stdout).not.toContain('\u001b');
  });

  it('prints JSON when asked, and ends by Ctrl-C', async () => {
    const server = await startKeyturnLocal('--json');
    expect(JSON.parse(server.firstLine)).toEqual({ type: 'listening', url: server.url });
    await clientAt(server.url).listSecrets({});
    const { code, stdout } = await server.kill('SIGINT');
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
    expect(lines.at(-1)).toMatchObject({ type: 'call', operation: 'ListSecrets' });
    expect(code).toBe(0);
  });

  it('keeps the secrets in its folder, which no second process may use', async () => {
    const folder = await temporaryFolder();
    const server = await startKeyturnLocal('--data', folder);
    await clientAt(server.url).createSecret({ Name: 'n', SecretString: 'v' });
    const second = await runKeyturn('local', '--data', folder);
    expect(second).toMatchObject({ code: 1, stderr: expect.stringContaining('in use by another process') });
    await server.kill('SIGTERM');
    const again = await startKeyturnLocal('--data', folder);
    expect((await clientAt(again.url).getSecretValue({ SecretId: 'n' })).SecretString).toBe('v');
    expect((await again.kill('SIGTERM')).code).toBe(0);
  });

  it('serves the given host names, and makes the given faults', async () => {
    const faults = ['--fault', 'ListSecrets=InternalServiceError', '--throttle', 'GetRandomPassword=1'];
    const server = await startKeyturnLocal('--host-name', 'keyturn.test', ...faults, '--seed', '7');
    const client = clientAt(server.url);
    await expect(client.listSecrets({})).rejects.toMatchObject({ name: 'InternalServiceError' });
    await client.getRandomPassword({});
    await expect(client.getRandomPassword({})).rejects.toMatchObject({ name: 'ThrottlingException' });
    expect((await server.kill('SIGTERM')).stdout.split('\n')[1]).toBe('disturbed on request, with --seed 7');
  });

  it('says why it can’t start', async () => {
    const server = await startKeyturnLocal();
    const { port } = new URL(server.url);
    const second = await runKeyturn('local', '--port', port);
    expect(second).toMatchObject({ code: 1, stderr: expect.stringContaining('EADDRINUSE') });
    expect(second.stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  it('warns when others can reach it', async () => {
    const server = await startKeyturnLocal('--host', '0.0.0.0');
    expect((await server.kill('SIGTERM')).stderr).toMatch(/warning: on 0\.0\.0\.0 other machines/);
  });
});
