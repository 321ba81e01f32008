import { describe, expect, it } from 'vitest';
import { manualClock } from '../../src/local/index.ts';
import { expectError, start } from './harness.ts';

const deleted = "You can't perform this operation on the secret because it was marked for deletion.";
const notFound = "Secrets Manager can't find the specified secret.";
const startMs = Date.UTC(2024, 0, 15, 10, 30, 0, 250);

describe('tags', () => {
  it('are added, replaced and removed', async () => {
    const { client } = await start();
    await client.createSecret({ Name: 'n', Tags: [{ Key: 'a', Value: '1' }] });
    await client.tagResource({
      SecretId: 'n',
      Tags: [
        { Key: 'a', Value: '2' },
        { Key: 'b', Value: '3' },
      ],
    });
    await client.untagResource({ SecretId: 'n', TagKeys: ['b', 'unknown'] });
    expect((await client.describeSecret({ SecretId: 'n' })).Tags).toEqual([{ Key: 'a', Value: '2' }]);
  });
});

describe('DeleteSecret', () => {
  it('marks for deletion, refuses use, and can be undone', async () => {
    const { client } = await start({ clock: manualClock(startMs) });
    await client.createSecret({ Name: 'n', SecretString: 'v' });
    const statement = {
      Effect: 'Deny',
      Principal: '*',
      Action: 'secretsmanager:DeleteSecret',
      Resource: '*',
    };
    const ResourcePolicy = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
    const { DeletionDate } = await client.deleteSecret({ SecretId: 'n' });
    expect(DeletionDate).toEqual(new Date(startMs + 30 * 86_400_000));
    for (const call of [
      client.getSecretValue({ SecretId: 'n' }),
      client.putSecretValue({ SecretId: 'n', SecretString: 'w' }),
      client.updateSecret({ SecretId: 'n', Description: 'd' }),
      client.tagResource({ SecretId: 'n', Tags: [] }),
      client.rotateSecret({ SecretId: 'n' }),
      client.getResourcePolicy({ SecretId: 'n' }),
      client.deleteResourcePolicy({ SecretId: 'n' }),
      client.validateResourcePolicy({ SecretId: 'n', ResourcePolicy }),
    ]) {
      await expectError(call, 'InvalidRequestException', deleted);
    }
    await expectError(
      client.deleteSecret({ SecretId: 'n' }),
      'InvalidRequestException',
      "You can't perform this operation on the secret because it was already scheduled for deletion.",
    );
    expect((await client.describeSecret({ SecretId: 'n' })).DeletedDate).toEqual(new Date(startMs));
    const again =
      "You can't create this secret because a secret with this name is already scheduled for deletion.";
    await expectError(client.createSecret({ Name: 'n' }), 'InvalidRequestException', again);
    await client.restoreSecret({ SecretId: 'n' });
    expect((await client.getSecretValue({ SecretId: 'n' })).SecretString).toBe('v');
    expect((await client.describeSecret({ SecretId: 'n' })).DeletedDate).toBeUndefined();
  });

  it('deletes for good when the window ends, or at once by force', async () => {
    const clock = manualClock(startMs);
    const { client } = await start({ clock });
    await client.createSecret({ Name: 'slow', SecretString: 'v' });
    await client.createSecret({ Name: 'fast', SecretString: 'v' });
    await client.deleteSecret({ SecretId: 'slow', RecoveryWindowInDays: 7 });
    await client.deleteSecret({ SecretId: 'fast', ForceDeleteWithoutRecovery: true });
    await client.deleteSecret({ SecretId: 'never-there', ForceDeleteWithoutRecovery: true });
    await expectError(client.describeSecret({ SecretId: 'fast' }), 'ResourceNotFoundException', notFound);
    await clock.advance(7 * 86_400_000 - 1);
    expect((await client.describeSecret({ SecretId: 'slow' })).Name).toBe('slow');
    await clock.advance(1);
    await expectError(client.restoreSecret({ SecretId: 'slow' }), 'ResourceNotFoundException', notFound);
    await client.createSecret({ Name: 'slow' });
  });

  it('refuses windows that AWS refuses', async () => {
    const { client } = await start();
    await client.createSecret({ Name: 'n' });
    for (const RecoveryWindowInDays of [6, 31, 0]) {
      await expectError(
        client.deleteSecret({ SecretId: 'n', RecoveryWindowInDays }),
        'InvalidParameterException',
        /between 7 and 30 days/,
      );
    }
    const both = client.deleteSecret({
      SecretId: 'n',
      RecoveryWindowInDays: 7,
      ForceDeleteWithoutRecovery: true,
    });
    await expectError(both, 'InvalidParameterException', /in conjunction with/);
    await expectError(client.deleteSecret({ SecretId: 'm' }), 'ResourceNotFoundException', notFound);
  });
});
