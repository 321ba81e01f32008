import { CreateSecretCommand, DescribeSecretCommand } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomRotators } from '../../../rotators/random/index.ts';
import { type RotationFixture, startFixture } from '../../support/rotation-fixture.ts';

describe('a secret that has no value yet', () => {
  let fixture: RotationFixture;
  beforeAll(async () => {
    fixture = await startFixture({ rotators: randomRotators() });
  });
  afterAll(() => fixture.close());

  async function createEmpty(tags: Readonly<Record<string, string>>): Promise<string> {
    const { ARN } = await fixture.client.send(
      new CreateSecretCommand({
        Name: `empty-${Math.random().toString(36).slice(2)}`,
        Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
      }),
    );
    if (ARN === undefined) throw new Error('No ARN');
    return ARN;
  }

  it.each([
    ['random/string', {}, /^\{"password":"[^"]{32}"\}$/],
    ['random/string', { 'keyturn:form': 'text' }, /^[^{].{31}$/],
    ['random/hex', {}, /^\{"password":"[0-9a-f]{64}"\}$/],
    ['random/base64', { 'keyturn:form': 'text' }, /^[A-Za-z0-9+/]{43}=$/],
    ['random/ed25519', {}, /^\{"format":"pem","privateKey":"-----BEGIN PRIVATE KEY.*\}$/],
  ])('is filled by %s with the tags %j, and rotated again afterwards', async (rotator, tags, expected) => {
    const arn = await createEmpty({ 'keyturn:rotator': rotator, ...tags });
    expect(await fixture.rotate(arn)).toBeUndefined();
    const first = await fixture.text(arn);
    expect(first).toMatch(expected);
    expect(await fixture.rotate(arn)).toBeUndefined();
    const second = await fixture.text(arn);
    expect(second).toMatch(expected);
    expect(second).not.toBe(first);
    expect(await fixture.text(arn, 'AWSPREVIOUS')).toBe(first);
  });

  it.each([{ password: '' }, { password: '', length: 64 }])(
    'counts as such when it holds %j',
    async (value) => {
      const arn = await fixture.createSecret(value, { 'keyturn:rotator': 'random/string' });
      expect(await fixture.rotate(arn)).toBeUndefined();
      expect((await fixture.read(arn)).password).toMatch(/^.{32,64}$/);
    },
  );

  it('is not guessed where the value has another name', async () => {
    const arn = await fixture.createSecret({ pepper: 'x' }, { 'keyturn:rotator': 'random/string' });
    expect(await fixture.rotate(arn)).toMatch(/^InvalidSecretField: .*"password" is missing/);
  });

  it('stays an error for a credential that opens something', async () => {
    const other = await startFixture({});
    try {
      const { ARN = '' } = await other.client.send(
        new CreateSecretCommand({
          Name: 'empty-database',
          Tags: [{ Key: 'keyturn:rotator', Value: 'postgres' }],
        }),
      );
      expect(await other.rotate(ARN)).toMatch(/^SecretHasNoValue: /);
      const { VersionIdsToStages = {} } = await other.client.send(
        new DescribeSecretCommand({ SecretId: ARN }),
      );
      expect(Object.values(VersionIdsToStages).flat()).not.toContain('AWSCURRENT');
    } finally {
      await other.close();
    }
  });
});
