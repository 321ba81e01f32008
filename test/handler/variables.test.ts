import { readFile } from 'node:fs/promises';
import { RotateSecretCommand } from '@aws-sdk/client-secrets-manager';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { randomRotators } from '../../rotators/random/index.ts';
import { knownVariables } from '../../src/configuration.ts';
import { createRotationHandler } from '../../src/index.ts';
import type { TimeLeft } from '../../src/rotation/deadline.ts';
import { type HandlerSettings, startFixture } from '../support/rotation-fixture.ts';

/** Rotates a secret that names no rotator. @returns its new value, or the error's text */
async function rotate(settings: HandlerSettings): Promise<string> {
  const fixture = await startFixture({ rotators: randomRotators(), ...settings });
  onTestFinished(() => fixture.close());
  const arn = await fixture.createSecret({ password: 'a value of long ago' });
  const failure = await fixture.rotate(arn);
  return failure ?? String((await fixture.read(arn)).password);
}

describe('a function of one’s own', () => {
  afterEach(() => vi.unstubAllEnvs());

  it("reads AWS's variables and Keyturn's own", async () => {
    vi.stubEnv('KEYTURN_ROTATOR', 'random/string');
    vi.stubEnv('PASSWORD_LENGTH', '20');
    vi.stubEnv('EXCLUDE_PUNCTUATION', 'true');
    expect(await rotate({})).toMatch(/^[A-Za-z0-9]{20}$/);
  });

  it('takes options instead of variables, one by one', async () => {
    vi.stubEnv('KEYTURN_ROTATOR', 'random/hex');
    vi.stubEnv('PASSWORD_LENGTH', '20');
    vi.stubEnv('EXCLUDE_PUNCTUATION', 'true');
    const configuration = { defaultRotator: 'random/string', password: { length: 24 } };
    expect(await rotate({ configuration })).toMatch(/^[A-Za-z0-9]{24}$/);
  });

  it('reads other variables, or none, if they are given', async () => {
    vi.stubEnv('KEYTURN_ROTATOR', 'random/string');
    expect(await rotate({ environment: {} })).toMatch(/^UnknownRotator: /);
    const environment = { KEYTURN_ROTATOR: 'random/string', PASSWORD_LENGTH: '21' };
    expect(await rotate({ environment })).toHaveLength(21);
  });

  it.each([
    ['PASSWORD_LENGTH', 'twenty'],
    ['SECRETS_MANAGER_ENDPOINT', 'localhost'],
    ['KEYTURN_FORM', 'xml'],
  ])('is made with a broken %s, and fails its first invocation', async (variable, value) => {
    const environment = { KEYTURN_ROTATOR: 'random/string', [variable]: value };
    const handler = createRotationHandler({ rotators: randomRotators(), environment });
    const event = { Step: 'createSecret', SecretId: 'a', ClientRequestToken: 'b'.repeat(36) };
    await expect(handler(event)).rejects.toMatchObject({ code: 'InvalidConfiguration', field: variable });
  });

  it.each([
    ['KEYTURN_IMMEDIATE_CUTOVER', 'flase'],
    ['KEYTURN_IMMEDIATE_CUTOVER', ' false'],
    ['KEYTURN_ROTATER', 'random/string'],
    ['KEYTURN_FORMS', 'json'],
    ['keyturn_rotator', 'random/string'],
    ['PASSWORD_LENGHT', '40'],
    ['EXCLUDE_CHARACTER', '%'],
    ['KEYTURN_ADMIN_SECRET', 'arn:x'],
    ['KEYTURN_TRUSTSERVERCERTIFICATE', 'true'],
    ['KEYTRUN_FORM', 'json'],
    ['SECRET_MANAGER_ENDPOINT', 'https://example.com'],
  ])('refuses a typing mistake: %s=%s', async (variable, value) => {
    const environment = { KEYTURN_ROTATOR: 'random/string', [variable]: value };
    expect(await rotate({ environment })).toMatch(new RegExp(`^InvalidConfiguration: .*${variable}`));
  });

  it.each([
    'KEYTURN_OWN_SETTING',
    'USERNAME',
    'PASSWORD',
    'KEYTURN_TEST_SEED',
    'AWS_REGION',
    'EXCLUDE_MEMBERS',
    'KEYTURN_FILES',
  ])('lets others have the variable %s', async (variable) => {
    const environment = { KEYTURN_ROTATOR: 'random/string', [variable]: 'x' };
    expect(await rotate({ environment })).toMatch(/^\S{32}$/);
  });

  it('knows every variable of the documentation that is its own', async () => {
    const page = await readFile(new URL('../../docs/configuration.md', import.meta.url), 'utf8');
    const names = [...page.matchAll(/^\| (`[^|]*)\|/gm)].flatMap(
      ([, cell = '']) => cell.match(/[A-Z_]{4,}/g) ?? [],
    );
    // Names that other programs use too.
    const shared = /^(?:USER_NAME|SECRET_ARN|POWERTOOLS_\w+|\w+_PROXY)$/;
    expect(names.filter((name) => !shared.test(name)).sort()).toEqual([...knownVariables].sort());
  });

  it('takes a context that tells no time, as one by hand does', async () => {
    const handler = createRotationHandler({ rotators: randomRotators(), environment: {} });
    const context: TimeLeft = JSON.parse('{}');
    await expect(handler({ Step: 'createSecret' }, context)).rejects.toMatchObject({ code: 'InvalidEvent' });
  });

  it('finds Secrets Manager by SECRETS_MANAGER_ENDPOINT', async () => {
    const fixture = await startFixture();
    onTestFinished(() => fixture.close());
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) vi.stubEnv(name, 'local');
    vi.stubEnv('AWS_REGION', 'us-east-1');
    vi.stubEnv('SECRETS_MANAGER_ENDPOINT', fixture.local.url);
    vi.stubEnv('KEYTURN_ROTATOR', 'random/string');
    const handler = createRotationHandler({ rotators: randomRotators() });
    const SecretId = await fixture.createSecret({ password: 'a value of long ago' });
    const RotationLambdaARN = fixture.local.registerFunction('own', handler);
    const RotationRules = { AutomaticallyAfterDays: 30 };
    await fixture.client.send(new RotateSecretCommand({ SecretId, RotationLambdaARN, RotationRules }));
    await fixture.local.rotationsSettled();
    expect((await fixture.read(SecretId)).password).not.toBe('a value of long ago');
  });
});
