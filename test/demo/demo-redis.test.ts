import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { requireProgram } from '../../examples/demo/redis/scenario.ts';
import { describeUnless } from '../sam/tools.ts';
import { findRedisProgram, noRedis } from '../support/redis-server.ts';

const demo = (...args: string[]) =>
  promisify(execFile)(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', 'examples/demo/main.ts', '--redis', ...args],
    { env: { ...process.env, FORCE_COLOR: undefined, NO_COLOR: '1' } },
  );

it('the demo with --redis says in one line what to install where there is no server', () => {
  expect(() => requireProgram(undefined)).toThrow(/^[^\n]*install redis-server[^\n]*$/);
});

const program = await findRedisProgram();
describeUnless(program === undefined ? noRedis : undefined, 'the demo with --redis', () => {
  it('rotates twice without a gap, and refuses no login of the application', async () => {
    const { stdout, stderr } = await demo('--json');
    expect(stderr).toBe('');
    const outcome: { readonly application: { readonly logins: number } } = JSON.parse(stdout);
    const rotation = expect.objectContaining({ gapMs: 0, refusedLogins: 0 });
    expect(outcome).toEqual({
      server: program?.name,
      rotations: [rotation, rotation],
      newPasswordAccepted: true,
      oldPasswordAccepted: true,
      oldestPasswordRefused: true,
      application: { logins: expect.any(Number), refused: 0 },
    });
    expect(outcome.application.logins).toBeGreaterThan(0);
  });

  it('goes with --json alone', async () => {
    await expect(demo('--document')).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/--redis goes with --json alone/),
    });
  });
});
