import { describe, expect, it } from 'vitest';
import { manualClock } from '../../src/local/index.ts';
import { expectError, start, token } from './harness.ts';

const startMs = Date.UTC(2024, 0, 15, 10, 30, 0, 250);

describe('GetSecretValue', () => {
  it('gives AWSCURRENT, a stage or a version, which must agree', async () => {
    const { client } = await start();
    await client.createSecret({ Name: 'n', SecretString: '1', ClientRequestToken: token('one') });
    await client.putSecretValue({ SecretId: 'n', SecretString: '2', ClientRequestToken: token('two') });
    const get = (VersionId?: string, VersionStage?: string) =>
      client.getSecretValue({ SecretId: 'n', VersionId, VersionStage });
    expect(await get()).toMatchObject({
      SecretString: '2',
      VersionId: token('two'),
      VersionStages: ['AWSCURRENT'],
    });
    expect(await get(undefined, 'AWSPREVIOUS')).toMatchObject({ SecretString: '1', VersionId: token('one') });
    expect(await get(token('one'), 'AWSPREVIOUS')).toMatchObject({ SecretString: '1' });
    await expectError(
      get(token('one'), 'AWSCURRENT'),
      'InvalidRequestException',
      'You provided a VersionStage that is not associated to the provided VersionId.',
    );
    const missing = "Secrets Manager can't find the specified secret value for";
    await expectError(
      get(token('none')),
      'ResourceNotFoundException',
      `${missing} VersionId: ${token('none')}`,
    );
    await expectError(get(undefined, 'mine'), 'ResourceNotFoundException', `${missing} staging label: mine`);
  });

  it('notes the day of the access, and no more', async () => {
    const { client } = await start({ clock: manualClock(startMs) });
    await client.createSecret({ Name: 'n', SecretString: 'v' });
    expect((await client.describeSecret({ SecretId: 'n' })).LastAccessedDate).toBeUndefined();
    await client.getSecretValue({ SecretId: 'n' });
    const day = new Date('2024-01-15T00:00:00Z');
    expect((await client.describeSecret({ SecretId: 'n' })).LastAccessedDate).toEqual(day);
    expect((await client.listSecretVersionIds({ SecretId: 'n' })).Versions).toMatchObject([
      { LastAccessedDate: day },
    ]);
  });
});
