import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { adminSecret, canLogIn, createLogin, loginOf, secretOf } from '../support/postgres-fixtures.ts';
import { startFixture } from '../support/rotation-fixture.ts';

/* An innocent user: a function whose role was made for AWS's template, and may not list versions. */
describe('a function that may not list the versions of its secrets', () => {
  it('has the admin set a lost password all the same', async () => {
    const login = await createLogin();
    const fixture = await startFixture();
    fixture.functionClient.middlewareStack.add(
      (next, context) => async (args) => {
        if (context.commandName !== 'ListSecretVersionIdsCommand') return next(args);
        throw Object.assign(new Error('not authorized'), { name: 'AccessDeniedException' });
      },
      { step: 'initialize' },
    );
    try {
      const masterarn = await fixture.createSecret({ ...adminSecret(), serves: { '*': [login.username] } });
      const lost = { ...secretOf({ ...login, password: randomUUID() }), masterarn };
      const arn = await fixture.createSecret(lost, { 'keyturn:rotator': 'postgres' });
      expect(await fixture.rotate(arn)).toBeUndefined();
      expect(await canLogIn(loginOf(await fixture.read(arn)))).toBe(true);
      // Without an admin, a version without a label may hold what works: that it can't be looked for is the error.
      const { masterarn: _, ...alone } = lost;
      const helpless = await fixture.createSecret(alone, { 'keyturn:rotator': 'postgres' });
      expect(await fixture.rotate(helpless)).toMatch(/^AccessDenied: secretsmanager:ListSecretVersionIds/);
    } finally {
      await fixture.close();
    }
  });
});
