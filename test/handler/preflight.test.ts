import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLogin, secretOf } from '../support/postgres-fixtures.ts';
import { type RotationFixture, startFixture } from '../support/rotation-fixture.ts';

describe('a preflight that is asked for', () => {
  let fixture: RotationFixture;
  beforeAll(async () => {
    fixture = await startFixture();
  });
  afterAll(() => fixture.close());

  async function ask(arn: string): Promise<unknown> {
    const [current = ''] = Object.keys(await fixture.labels(arn));
    return fixture.handler({ Step: 'preflight', SecretId: arn, ClientRequestToken: current });
  }

  it('answers with what it found in order, and makes no version', async () => {
    const arn = await fixture.createSecret(secretOf(await createLogin()));
    const labels = await fixture.labels(arn);
    expect(await ask(arn)).toEqual({
      preflight: expect.arrayContaining([{ check: 'login', ok: true, detail: expect.any(String) }]),
    });
    expect(await fixture.labels(arn)).toEqual(labels);
    expect(fixture.recorded.reports.at(-1)).toMatchObject({
      step: 'preflight',
      outcome: 'preflight-passed',
      logins: 1,
    });
  });

  it('fails with what is not in order', async () => {
    const login = { ...(await createLogin()), password: 'not the password' };
    const arn = await fixture.createSecret(secretOf(login));
    const error = await ask(arn).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'PreflightFailed', message: expect.stringContaining('login: ') });
    expect(String(error)).not.toContain(login.password);
  });

  it('answers a step of a rotation with nothing', async () => {
    const arn = await fixture.createSecret(secretOf(await createLogin()));
    const [current = ''] = Object.keys(await fixture.labels(arn));
    const event = { Step: 'testSecret', SecretId: arn, ClientRequestToken: current };
    expect(await fixture.handler(event)).toBeUndefined();
  });
});
