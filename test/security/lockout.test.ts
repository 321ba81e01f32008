import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { postgres } from '../../rotators/postgres/index.ts';
import { closedPort } from '../support/closed-port.ts';
import {
  adminSecret,
  canLogIn,
  createLogin,
  loginOf,
  secretOf,
  sharedOptions,
} from '../support/postgres-fixtures.ts';
import { startFixture } from '../support/rotation-fixture.ts';

/* A lockout policy counts refused logins. Whoever breaks a secret must not have Keyturn lock its account out. */
describe('a rotation that can not log in', () => {
  it('has no password refused twice while it tries again for another reason', async () => {
    const login = await createLogin();
    const real = postgres(sharedOptions());
    const admin = real.parse(adminSecret());
    const nobody = await closedPort();
    const refused = new Map<string, number>();
    let isDown = true;
    const rotator: typeof real = {
      ...real,
      open: async (credential, context) => {
        const isAdmin = credential.username === admin.username;
        const down = { ...credential, endpoints: [{ host: '127.0.0.1', port: nobody }] } as const;
        const session = await real.open(isAdmin && isDown ? down : credential, context);
        const { password } = credential;
        if (session === undefined) refused.set(password, (refused.get(password) ?? 0) + 1);
        return session;
      },
    };
    const fixture = await startFixture({ rotators: [rotator] });
    try {
      const masterarn = await fixture.createSecret({ ...adminSecret(), serves: { '*': [login.username] } });
      const value = () => ({ ...secretOf({ ...login, password: randomUUID() }), masterarn });
      const arn = await fixture.createSecret(value(), { 'keyturn:rotator': 'postgres' });
      await fixture.put(arn, value());
      expect(await fixture.rotate(arn)).toMatch(/^TargetUnreachable/);
      expect(fixture.recorded.reports.at(-1)).toMatchObject({ step: 'setSecret', refusedLogins: 3 });
      expect([...refused.values()]).toEqual([1, 1, 1]);
      isDown = false;
      expect(await fixture.rotate(arn)).toBeUndefined();
      expect(await canLogIn(loginOf(await fixture.read(arn)))).toBe(true);
    } finally {
      await fixture.close();
    }
  });
});
