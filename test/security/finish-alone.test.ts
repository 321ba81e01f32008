import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { adminSecret, createLogin, secretOf } from '../support/postgres-fixtures.ts';
import { startFixture } from '../support/rotation-fixture.ts';

/* Mallory may put values into one secret, and invoke its function. He wants a version current that nobody has proven. */
describe('whoever invokes the steps of a rotation out of their order', () => {
  it('has no version made AWSCURRENT that the target refuses', async () => {
    const login = await createLogin();
    const fixture = await startFixture();
    try {
      const masterarn = await fixture.createSecret(adminSecret());
      const value = { ...secretOf(login), masterarn };
      const arn = await fixture.createSecret(value);
      expect(await fixture.rotate(arn)).toBeUndefined();
      const current = await fixture.read(arn);
      const token = await fixture.put(arn, { ...value, password: `never set ${randomUUID()}` }, [
        'AWSPENDING',
      ]);
      const event = { SecretId: arn, ClientRequestToken: token };
      for (const Step of ['finishSecret', 'testSecret', 'finishSecret']) {
        await expect(fixture.handler({ ...event, Step })).rejects.toMatchObject({ code: 'PendingRefused' });
      }
      expect(await fixture.read(arn)).toEqual(current);
      // In their order they end well.
      for (const Step of ['createSecret', 'setSecret', 'testSecret', 'finishSecret'])
        await fixture.handler({ ...event, Step });
      expect(await fixture.read(arn)).toMatchObject({ username: login.username });
    } finally {
      await fixture.close();
    }
  });
});
