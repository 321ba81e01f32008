import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postgres } from '../../rotators/postgres/index.ts';
import { quoteIdentifier } from '../../rotators/postgres/quoting.ts';
import { createRotationHandler } from '../../src/index.ts';
import {
  adminSecret,
  asAdmin,
  canLogIn,
  createLogin,
  loginOf,
  secretOf,
  sharedOptions,
} from '../support/postgres-fixtures.ts';
import { failOnce, type RotationFixture, startFixture } from '../support/rotation-fixture.ts';

describe('a rotation that was disturbed', () => {
  let fixture: RotationFixture;
  beforeAll(async () => {
    fixture = await startFixture();
  });
  afterAll(() => fixture.close());

  it.each([
    ['the answer of PutSecretValue', 'PutSecretValue', 'after'],
    ['the move of AWSCURRENT', 'UpdateSecretVersionStage', 'before'],
  ] as const)('is healed by a retry when %s is lost', async (_, operation, when) => {
    const login = await createLogin();
    const arn = await fixture.createSecret(secretOf(login));
    failOnce(fixture.functionClient, operation, when);
    expect(await fixture.rotate(arn)).toMatch(/was lost/);
    expect(await fixture.rotate(arn)).toBeUndefined();
    expect(await canLogIn(loginOf(await fixture.read(arn)))).toBe(true);
  });

  it('needs no retry when the answer to the move of AWSCURRENT is lost', async () => {
    const login = await createLogin();
    const arn = await fixture.createSecret(secretOf(login));
    failOnce(fixture.functionClient, 'UpdateSecretVersionStage', 'after');
    expect(await fixture.rotate(arn)).toBeUndefined();
    expect(await canLogIn(loginOf(await fixture.read(arn)))).toBe(true);
  });

  it('finds the password in a version without labels after somebody cleared AWSPENDING', async () => {
    const login = await createLogin();
    const arn = await fixture.createSecret(secretOf(login));
    failOnce(fixture.functionClient, 'UpdateSecretVersionStage', 'before');
    expect(await fixture.rotate(arn)).toMatch(/was lost/);
    expect(await canLogIn(login)).toBe(false);
    await fixture.clearPending(arn);
    expect(await fixture.rotate(arn)).toBeUndefined();
    expect(fixture.recorded.notes).toContain('The unlabelled version opens the target; AWSCURRENT does not.');
    expect(await canLogIn(loginOf(await fixture.read(arn)))).toBe(true);
  });

  it('goes by way of the previous version when a wrong value was put by hand', async () => {
    const login = await createLogin();
    const arn = await fixture.createSecret(secretOf(login));
    await fixture.put(arn, { ...secretOf(login), password: 'typed wrong' });
    expect(await fixture.rotate(arn)).toBeUndefined();
    expect(await canLogIn(loginOf(await fixture.read(arn)))).toBe(true);
  });

  it('changes nothing when no stored version opens the target and there is no admin', async () => {
    const login = await createLogin();
    const arn = await fixture.createSecret({ ...secretOf(login), password: 'lost' });
    expect(await fixture.rotate(arn)).toMatch(/^NoCredentialAccepted: .*PutSecretValue/);
    expect(await canLogIn(login)).toBe(true);
  });

  it('tries a bounded number of stored passwords, the newest first and none twice, and says what it left out', async () => {
    const login = await createLogin();
    const arn = await fixture.createSecret({ ...secretOf(login), password: 'lost 0' });
    for (let n = 1; n <= 30; n += 1) {
      const password = `lost ${Math.floor(n / 2)}`;
      await fixture.put(arn, { ...secretOf(login), password, dbInstanceIdentifier: `${n}` });
    }
    const tried: string[] = [];
    const real = postgres(sharedOptions());
    const watched: typeof real = {
      ...real,
      open: async (credential, context) => {
        tried.push(credential.password);
        return real.open(credential, context);
      },
    };
    const handler = createRotationHandler({
      rotators: [watched],
      client: fixture.functionClient,
      telemetry: fixture.recorded.telemetry,
    });
    fixture.local.registerFunction('rotate', handler);
    expect(await fixture.rotate(arn)).toMatch(
      /^NoCredentialAccepted: .*newest 3 without a label\. 2\d older versions were not tried/,
    );
    const { password: pending } = await fixture.read(arn, 'AWSPENDING');
    fixture.local.registerFunction('rotate', fixture.handler);
    expect(tried).toEqual(['lost 15', pending, 'lost 14', 'lost 13', 'lost 12', 'lost 11']);
  });

  it('sends an older password with the stricter of the two connections', async () => {
    const login = await createLogin();
    const plain = { ...secretOf(login), ssl: false, password: 'lost' };
    const arn = await fixture.createSecret({ ...secretOf(login), ssl: true });
    await fixture.put(arn, plain);
    const seen: unknown[] = [];
    const real = postgres(sharedOptions());
    const watched: typeof real = {
      ...real,
      open: async (credential, context) => {
        seen.push([credential.password === login.password, credential.ssl]);
        return credential.ssl === false ? undefined : real.open(credential, context);
      },
    };
    fixture.local.registerFunction(
      'rotate',
      createRotationHandler({ rotators: [watched], client: fixture.functionClient }),
    );
    await fixture.rotate(arn);
    fixture.local.registerFunction('rotate', fixture.handler);
    expect(seen).toContainEqual([true, true]);
    expect(seen).not.toContainEqual([true, false]);
  });

  it('has the admin set a password that was lost, of an account that the admin secret serves', async () => {
    const login = await createLogin();
    const serves = { '*': [login.username] };
    const masterarn = await fixture.createSecret({ ...adminSecret(), serves });
    const lost = { ...secretOf(login), password: 'lost', masterarn };
    const arn = await fixture.createSecret(lost, { 'keyturn:rotator': 'postgres' });
    expect(await fixture.rotate(arn)).toBeUndefined();
    expect(await canLogIn(loginOf(await fixture.read(arn)))).toBe(true);
    expect(fixture.recorded.notes).toContain(
      'No stored credential opens the target: the admin has set the pending one.',
    );
  });

  it('rotates roles although the server ends the connection in the middle', async () => {
    const login = await createLogin();
    let killed = false;
    const real = postgres(sharedOptions());
    const cut: typeof real = {
      ...real,
      change: async (session, pending, context) => {
        await real.change(session, pending, context);
        if (killed) return;
        killed = true;
        await asAdmin((client) =>
          client.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1', [
            login.username,
          ]),
        );
        await session.query('SELECT 1');
      },
    };
    const cutting = await startFixture({ rotators: [cut] });
    try {
      const there = await cutting.createSecret(secretOf(login));
      expect(await cutting.rotate(there)).toBeUndefined();
      expect(killed).toBe(true);
      expect(cutting.recorded.reports.at(1)).toMatchObject({
        outcome: 'found-changed-and-current',
        logins: 3,
        refusedLogins: 1,
      });
      expect(await canLogIn(loginOf(await cutting.read(there)))).toBe(true);
    } finally {
      await cutting.close();
    }
  });

  it('takes AWSPENDING off a version whose password the server refuses, and starts clean the next time', async () => {
    const real = postgres(sharedOptions());
    let weak = true;
    const careless: typeof real = {
      ...real,
      generate: async (current, context) =>
        weak ? { password: current.username } : real.generate(current, context),
    };
    const picky = await startFixture({ rotators: [careless] });
    try {
      const login = await createLogin();
      await asAdmin((client) =>
        client.query(
          `ALTER ROLE ${quoteIdentifier(login.username)} SET session_preload_libraries = 'passwordcheck'`,
        ),
      );
      const arn = await picky.createSecret(secretOf(login));
      expect(await picky.rotate(arn)).toMatch(/^PasswordRejected: .*EXCLUDE_CHARACTERS/);
      expect(Object.values(await picky.labels(arn))).toEqual([['AWSCURRENT']]);
      expect(await canLogIn(login)).toBe(true);
      weak = false;
      expect(await picky.rotate(arn)).toBeUndefined();
      expect(await canLogIn(loginOf(await picky.read(arn)))).toBe(true);
    } finally {
      await picky.close();
    }
  });
});
