import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Rotator } from '../../src/index.ts';
import { hostileTexts, loginOf, randomPassword, type TestLogin } from '../support/postgres-fixtures.ts';
import { type RotationFixture, startFixture } from '../support/rotation-fixture.ts';
import type { Database } from './database.ts';

/** What the suite needs to know of a kind of server. */
export interface Swaps {
  readonly rotators: readonly Rotator[];
  /** More names of logins, besides an ordinary one. Default: texts that break code which pastes instead of quoting. */
  readonly names?: readonly string[];
}

/** Swaps real credentials at a server through the local Secrets Manager, and tries the old ones. */
export function describeSwaps(
  name: string,
  found: Database | { readonly missing: string },
  swaps: Swaps,
): void {
  if ('missing' in found) {
    console.warn(`${name}: skipped, since ${found.missing}.`);
    describe.skip(`${name} (skipped: ${found.missing})`, () => it('swaps credentials', () => undefined));
    return;
  }
  const bases = ['app', ...(swaps.names ?? hostileTexts).map((text) => text.slice(0, 24))];
  const cases = ['JSON', 'a connection string'].flatMap((form) => bases.map((base) => ({ form, base })));
  describe(name, () => {
    let fixture: RotationFixture;
    beforeAll(async () => {
      fixture = await startFixture({ rotators: swaps.rotators });
    });
    afterAll(async () => {
      // First: a container outlives the run, a fixture does not.
      await found.stop();
      await fixture.close();
    });

    const secretIn = (form: string, login: TestLogin): unknown =>
      form === 'JSON' ? found.secretOf(login) : found.connectionString(login);
    const currentLogin = async (arn: string): Promise<TestLogin> => loginOf(await fixture.read(arn));

    it.each(cases)('swaps the password of $base, kept as $form', async ({ form, base }) => {
      const login = await found.createLogin(base, `${base} Password 1`);
      const arn = await fixture.createSecret(secretIn(form, login));
      for (let rotation = 0; rotation < 2; rotation += 1) expect(await fixture.rotate(arn)).toBeUndefined();
      const rotated = await currentLogin(arn);
      expect(rotated.username).toBe(login.username);
      expect([await found.canLogIn(rotated), await found.canLogIn(login)]).toEqual([true, false]);
      expect(await found.canWork(rotated)).toBe(true);
    });

    it.each(cases)('alternates $base with its clone, kept as $form', async ({ form, base }) => {
      const admin = await fixture.createSecret(found.secretOf(found.admin));
      const login = await found.createLogin(base, randomPassword());
      const arn = await fixture.createSecret(secretIn(form, login), { 'keyturn:admin': admin });
      expect(await fixture.rotate(arn)).toBeUndefined();
      const clone = await currentLogin(arn);
      expect(clone.username).toBe(`${login.username}_clone`);
      expect([await found.canLogIn(clone), await found.canLogIn(login)]).toEqual([true, true]);
      expect(await found.canWork(clone)).toBe(true);
      expect(await fixture.rotate(arn)).toBeUndefined();
      const again = await currentLogin(arn);
      expect(again.username).toBe(login.username);
      expect([await found.canLogIn(again), await found.canLogIn(clone)]).toEqual([true, true]);
      expect(await found.canLogIn(login)).toBe(false);
    });
  });
}
