import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { findServer } from '../../examples/demo/mysql/scenario.ts';
import { describeUnless } from '../sam/tools.ts';
import { missingServer } from '../support/mysql-server.ts';

const demo = (environment: NodeJS.ProcessEnv, ...args: string[]) =>
  promisify(execFile)(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', 'examples/demo/main.ts', '--mysql', ...args],
    { env: { ...process.env, FORCE_COLOR: undefined, NO_COLOR: '1', ...environment } },
  );

describe.each([
  // At MySQL the user itself keeps two passwords. At MariaDB the admin's secret is read too, and the admin logs in.
  ['mysql', {}, { secretsManagerCalls: 7, logins: 2 }],
  ['mariadb', { KEYTURN_TEST_MYSQLD: '' }, { secretsManagerCalls: 8, logins: 3 }],
] as const)('the demo with --mysql, at %s', (flavour, environment, counted) => {
  describeUnless(missingServer(flavour), 'a real server', () => {
    it('rotates twice with no gap, below an application that is never refused', async () => {
      const { stdout, stderr } = await demo(environment, '--json');
      expect(stderr).toBe('');
      const outcome: { readonly application: { readonly logins: number } } = JSON.parse(stdout);
      const rotation = expect.objectContaining({ ...counted, refusedLogins: 0, gapMs: 0 });
      expect(outcome).toEqual({
        server: flavour,
        rotations: [rotation, rotation],
        newPasswordAccepted: true,
        oldPasswordAccepted: true,
        oldestPasswordRefused: true,
        application: { logins: expect.any(Number), refused: 0 },
      });
      expect(outcome.application.logins).toBeGreaterThan(5);
    });
  });
});

describe('the demo with --mysql', () => {
  it('goes with --json alone', async () => {
    await expect(demo({}, '--alternating')).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/--mysql goes with --json alone/),
    });
  });

  it('says in one line what to install where there is no server', () => {
    expect(findServer((flavour) => (flavour === 'mysql' ? 'missing' : undefined))).toBe('mariadb');
    expect(() => findServer(() => 'missing')).toThrow(/^[^\n]*install mariadb-server[^\n]*$/);
  });
});
