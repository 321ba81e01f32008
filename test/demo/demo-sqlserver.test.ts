import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const demo = (...args: string[]) =>
  promisify(execFile)(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', 'examples/demo/main.ts', '--sqlserver', ...args],
    { env: { ...process.env, FORCE_COLOR: undefined, NO_COLOR: '1', KEYTURN_TEST_SQLSERVER_URL: '' } },
  );

describe('the demo with --sqlserver', () => {
  it('rotates the connection string twice, with 7 calls and 2 logins each, and changes nothing but the password', async () => {
    const { stdout, stderr } = await demo('--json');
    expect(stderr).toBe('');
    const outcome: { readonly documentBefore: string } = JSON.parse(stdout);
    const rotation = expect.objectContaining({ secretsManagerCalls: 7, logins: 2, refusedLogins: 0 });
    expect(outcome).toEqual({
      server: 'stand-in',
      rotations: [rotation, rotation],
      newPasswordAccepted: true,
      oldPasswordRefused: true,
      documentBefore: expect.stringMatching(/;Password=\*{4};/),
      documentAfter: outcome.documentBefore,
    });
  });

  it('says on its first line that the server is a stand-in', async () => {
    const { stdout } = await demo();
    expect(stdout.trimStart().split('\n')[0]).toMatch(/a login of SQL Server at a stand-in/);
    expect(stdout).toMatch(/old password +refused \(18456\)/);
  });

  it('goes with --json alone', async () => {
    await expect(demo('--alternating')).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/--sqlserver goes with --json alone/),
    });
  });
});
