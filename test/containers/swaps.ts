import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Rotator } from '../../src/index.ts';
import { hostileTexts, loginOf, randomPassword } from '../support/postgres-fixtures.ts';
import { type RotationFixture, startFixture } from '../support/rotation-fixture.ts';
import type { Database } from './database.ts';

/** What the suite needs to know of a kind of server. */
export interface Swaps {
  readonly rotators: readonly Rotator[];
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

    it.each(['app', ...hostileTexts.map((text) => text.slice(0, 24))])(
      'swaps the password of %j',
      async (base) => {
        const login = await found.createLogin(base, `${base} Pw1`);
        const arn = await fixture.createSecret(found.secretOf(login));
        for (let rotation = 0; rotation < 2; rotation += 1) expect(await fixture.rotate(arn)).toBeUndefined();
        const rotated = loginOf(await fixture.read(arn));
        expect([await found.canLogIn(rotated), await found.canLogIn(login)]).toEqual([true, false]);
        expect(await found.canWork(rotated)).toBe(true);
      },
    );

    it.each(['app', ...hostileTexts.map((text) => text.slice(0, 24))])(
      'alternates %j with its clone',
      async (base) => {
        const masterarn = await fixture.createSecret(found.secretOf(found.admin));
        const login = await found.createLogin(base, randomPassword());
        const arn = await fixture.createSecret({ ...found.secretOf(login), masterarn });
        expect(await fixture.rotate(arn)).toBeUndefined();
        const clone = loginOf(await fixture.read(arn));
        expect(clone.username).toBe(`${login.username}_clone`);
        expect([await found.canLogIn(clone), await found.canLogIn(login)]).toEqual([true, true]);
        expect(await found.canWork(clone)).toBe(true);
        expect(await fixture.rotate(arn)).toBeUndefined();
        const again = loginOf(await fixture.read(arn));
        expect(again.username).toBe(login.username);
        expect([
          await found.canLogIn(again),
          await found.canLogIn(clone),
          await found.canLogIn(login),
        ]).toEqual([true, true, false]);
      },
    );
  });
}
