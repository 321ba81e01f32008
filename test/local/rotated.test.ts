import { describe, expect, it } from 'vitest';
import { functionArn, plainRotation, token } from './harness.ts';
import { failingAt, gate, startWithSecret } from './rotation-harness.ts';

describe('waiting for a rotation', () => {
  it('ends when it has succeeded, after a retry too', async () => {
    const { local, client, rotate } = await startWithSecret({ retryDelaysMs: [1] });
    local.registerFunction('rotator', failingAt(client, 3));
    await rotate();
    await local.rotated('n');
    expect((await client.getSecretValue({ SecretId: 'n' })).VersionId).toBe(token('two'));
  });

  it('throws what it failed with', async () => {
    const { local, client, rotate } = await startWithSecret({ retryDelaysMs: [] });
    local.registerFunction('rotator', failingAt(client, 2));
    const { ARN = '' } = await rotate();
    await expect(local.rotated('n')).rejects.toThrow(
      `The rotation of ${ARN} failed: TypeError: call 2 fails`,
    );
    await expect(local.rotated(ARN)).rejects.toThrow('call 2 fails');
  });

  it('is about the last rotation', async () => {
    const { local, client, rotate } = await startWithSecret({ retryDelaysMs: [] });
    local.registerFunction('rotator', failingAt(client, 1, 6));
    await rotate();
    await expect(local.rotated('n')).rejects.toThrow('call 1 fails');
    // As on AWS: that is answered, and the rotation is tried again.
    await expect(rotate()).rejects.toThrow("A previous rotation isn't complete");
    await local.rotated('n');
    await rotate(token('three'));
    await expect(local.rotated('n')).rejects.toThrow('call 6 fails');
  });

  it('throws if there is nothing to wait for', async () => {
    const { local, client } = await startWithSecret();
    await expect(local.rotated('n')).rejects.toThrow('call RotateSecret');
    await expect(local.rotated('unknown')).rejects.toThrow();
    await client.createSecret({ Name: 'other', SecretString: 'v' });
    local.registerFunction('rotator', plainRotation(client));
    await client.rotateSecret({ SecretId: 'other', RotationLambdaARN: functionArn('rotator') });
    await local.rotated('other');
    await expect(local.rotated('n')).rejects.toThrow('call RotateSecret');
  });

  it('throws when it was cancelled', async () => {
    const { local, client, rotate } = await startWithSecret();
    const { entered, open, pass } = gate();
    local.registerFunction('rotator', pass);
    await rotate();
    await entered;
    await client.cancelRotateSecret({ SecretId: 'n' });
    open();
    await expect(local.rotated('n')).rejects.toThrow('cancelled');
  });
});
