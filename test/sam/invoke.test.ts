import { expect, it } from 'vitest';
import { run } from '../../examples/sam/program.ts';
import { describeUnless, missingContainer } from './tools.ts';

/** Labels of the older and the newer of two versions, however they are ordered. */
const current = ['AWSCURRENT'];
const pending = ['AWSPENDING'];
const previous = ['AWSPREVIOUS'];
const promoted = expect.arrayContaining(current);

describeUnless(await missingContainer(), 'the function in a container', () => {
  /** The first invocation builds the function, and the others take that build. */
  let built = false;
  it.each([
    { step: 'createSecret', rotator: 'postgres', outcome: 'stored', after: [pending, current] },
    { step: 'setSecret', rotator: 'postgres', outcome: 'changed-and-current', after: [promoted, previous] },
    { step: 'testSecret', rotator: 'postgres', outcome: 'verified', after: [pending, current] },
    { step: 'finishSecret', rotator: 'postgres', outcome: 'current', after: [promoted, previous] },
    { step: 'createSecret', rotator: 'api-token', outcome: 'stored', after: [pending, current] },
    { step: 'setSecret', rotator: 'api-token', outcome: 'found-changed', after: [pending, current] },
    { step: 'testSecret', rotator: 'api-token', outcome: 'verified', after: [pending, current] },
    { step: 'finishSecret', rotator: 'api-token', outcome: 'current', after: [promoted, previous] },
    { step: 'setSecret', rotator: 'sqlserver', outcome: 'changed-and-current', after: [promoted, previous] },
  ])('does $step of a secret for $rotator', async ({ step, rotator, outcome, after }) => {
    const { stdout } = await run('npm', [
      ...['run', '--silent', 'invoke', '--', '--json'],
      ...['--step', step, '--rotator', rotator],
      ...(built ? ['--built'] : []),
    ]);
    built = true;
    const { labelsBefore, labelsAfter, ...result } = JSON.parse(stdout);
    expect(result).toEqual({
      step,
      rotator: expect.stringContaining(rotator),
      outcome,
      durationMs: expect.any(Number),
      notes: [],
    });
    const token = Object.keys(labelsBefore).find((id) => labelsBefore[id].includes('AWSPENDING')) ?? '';
    const [old = ''] = Object.keys(labelsBefore).filter((id) => id !== token);
    expect(labelsBefore).toEqual({ [token]: pending, [old]: current });
    expect(labelsAfter).toEqual({ [token]: after[0], [old]: after[1] });
  });

  it('rotates twice behind sam local start-lambda', async () => {
    const { stdout } = await run('npm', ['run', '--silent', 'demo', '--', '--sam', '--json']);
    const rotation = { secretsManagerCalls: 7, logins: 2, refusedLogins: 0 };
    expect(JSON.parse(stdout)).toMatchObject({
      rotations: [rotation, rotation],
      newPasswordAccepted: true,
      oldPasswordRefused: true,
    });
  });
});
