import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expectError, stagesOf, start, token } from './harness.ts';

const one = token('one');
const two = token('two');
const three = token('three');

async function startWithVersions() {
  const harness = await start();
  await harness.client.createSecret({ Name: 'n', SecretString: '1', ClientRequestToken: one });
  for (const id of [two, three]) {
    await harness.client.putSecretValue({
      SecretId: 'n',
      SecretString: id,
      ClientRequestToken: id,
      VersionStages: [`label-${id}`],
    });
  }
  const move = (VersionStage: string, MoveToVersionId?: string, RemoveFromVersionId?: string) =>
    harness.client.updateSecretVersionStage({
      SecretId: 'n',
      VersionStage,
      MoveToVersionId,
      RemoveFromVersionId,
    });
  return { ...harness, move };
}

describe('UpdateSecretVersionStage', () => {
  it('moves AWSCURRENT there and back, with AWSPREVIOUS after it', async () => {
    const { client, move } = await startWithVersions();
    await move('AWSCURRENT', two, one);
    expect(await stagesOf(client, 'n')).toMatchObject({
      [two]: ['AWSCURRENT', `label-${two}`],
      [one]: ['AWSPREVIOUS'],
    });
    await move('AWSCURRENT', one, two);
    expect(await stagesOf(client, 'n')).toMatchObject({
      [one]: ['AWSCURRENT'],
      [two]: ['AWSPREVIOUS', `label-${two}`],
    });
  });

  it('adds, moves and removes a label of one’s own', async () => {
    const { client, move } = await startWithVersions();
    await move('mine', one);
    await move('mine', two, one);
    expect((await stagesOf(client, 'n'))[two]).toContain('mine');
    await move('mine', two);
    await move('mine', undefined, two);
    expect(Object.values(await stagesOf(client, 'n')).flat()).not.toContain('mine');
  });

  it('refuses to move a label without knowing where it is', async () => {
    const { client, move } = await startWithVersions();
    const before = await stagesOf(client, 'n');
    await expectError(
      move('AWSCURRENT', two),
      'InvalidParameterException',
      "The parameter RemoveFromVersionId can't be empty. Staging label AWSCURRENT is currently attached to version " +
        `${one}, so you must explicitly reference that version in RemoveFromVersionId.`,
    );
    await expectError(
      move('AWSCURRENT', two, three),
      'InvalidParameterException',
      /isn't attached to version/,
    );
    await expectError(move('mine', two, one), 'InvalidParameterException', /isn't attached to version/);
    await expectError(
      move('AWSCURRENT', undefined, one),
      'InvalidParameterException',
      'You can only move staging label AWSCURRENT to a different secret version. It can’t be completely removed.',
    );
    await expectError(
      move('AWSCURRENT', token('none'), one),
      'InvalidParameterException',
      `Not a valid version: ${token('none')}`,
    );
    await expectError(move('AWSCURRENT'), 'InvalidParameterException', /MoveToVersionId/);
    expect(await stagesOf(client, 'n')).toEqual(before);
  });

  it('keeps one AWSCURRENT whatever is asked, and AWSPREVIOUS on the one that lost it', async () => {
    const { client, move } = await startWithVersions();
    const version = fc.constantFrom(one, two, three);
    const stage = fc.constantFrom('AWSCURRENT', 'AWSPENDING', 'AWSPREVIOUS', 'mine');
    const request = fc.tuple(
      stage,
      fc.option(version, { nil: undefined }),
      fc.option(version, { nil: undefined }),
    );
    const holder = async (label: string) =>
      Object.entries(await stagesOf(client, 'n')).flatMap(([id, stages]) =>
        stages.includes(label) ? [id] : [],
      );
    await fc.assert(
      fc.asyncProperty(request, async ([label, to, from]) => {
        const [current] = await holder('AWSCURRENT');
        await move(label, to, from).catch(() => {});
        const now = await holder('AWSCURRENT');
        expect(now).toHaveLength(1);
        if (now[0] !== current) expect(await holder('AWSPREVIOUS')).toEqual([current]);
      }),
      { numRuns: 60 },
    );
  });
});
