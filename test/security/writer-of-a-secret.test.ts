import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postgres, postgresAlternatingUsers } from '../../rotators/postgres/index.ts';
import { quoteIdentifier } from '../../rotators/postgres/quoting.ts';
import {
  adminSecret,
  asAdmin,
  canLogIn,
  createLogin,
  loginOf,
  secretOf,
  sharedOptions,
  type TestLogin,
} from '../support/postgres-fixtures.ts';
import { startPostgres } from '../support/postgres-server.ts';
import { type RotationFixture, startFixture } from '../support/rotation-fixture.ts';

/*
 * Mallory may put values into one secret, which an admin serves, and read it. He owns the account `mallory`, and wants one
 * that is not his.
 */
describe('whoever may only write a secret gets no account that is not his', () => {
  let fixture: RotationFixture;
  let masterarn: string;
  let mallory: TestLogin;
  let victim: TestLogin;

  beforeAll(async () => {
    fixture = await startFixture();
    masterarn = await fixture.createSecret(adminSecret());
    mallory = await createLogin('mallory');
    victim = await createLogin('victim');
  });
  afterAll(() => fixture.close());

  /** Rotates a secret with this value; makes sure that the victim's password was not changed, and nothing promoted. */
  async function attack(value: object, tags: Record<string, string> = {}): Promise<string> {
    const arn = await fixture.createSecret(value, tags);
    const failure = (await fixture.rotate(arn)) ?? 'success';
    expect(await canLogIn(victim)).toBe(true);
    expect(await fixture.read(arn)).toEqual(value);
    return failure;
  }

  it('by naming it as the other of two alternating users', async () => {
    const alternatingusers = [mallory.username, victim.username];
    expect(await attack({ ...secretOf(mallory), masterarn, alternatingusers })).toMatch(
      /^AccountNotServed: .*Nothing was changed.*keyturn:accounts/,
    );
  });

  it('by naming it with a wrong password, where the admin is the last resort', async () => {
    const value = { ...secretOf({ ...victim, password: 'guessed' }), masterarn };
    expect(await attack(value, { 'keyturn:rotator': 'postgres' })).toMatch(/^AccountNotServed/);
  });

  it('by an admin secret that serves other secrets, or other accounts', async () => {
    for (const serves of [
      { 'prod/shop': [victim.username] },
      { '*': [`${victim.username}_clone`, mallory.username] },
    ]) {
      const serving = await fixture.createSecret({ ...adminSecret(), serves });
      const value = { ...secretOf({ ...victim, password: 'guessed' }), masterarn: serving };
      expect(await attack(value, { 'keyturn:rotator': 'postgres' })).toMatch(/^AccountNotServed/);
    }
  });

  it('by what he writes into the value himself', async () => {
    const value = {
      ...secretOf({ ...victim, password: 'guessed' }),
      masterarn,
      serves: { '*': ['*'] },
      'keyturn:accounts': victim.username,
    };
    expect(await attack(value, { 'keyturn:rotator': 'postgres' })).toMatch(/^AccountNotServed/);
  });

  it('by a secret that is its own admin secret', async () => {
    const value = { ...secretOf(mallory), alternatingusers: [mallory.username, victim.username] };
    const arn = await fixture.createSecret(value);
    await fixture.put(arn, { ...value, masterarn: arn, serves: { '*': ['*'] } });
    expect(await fixture.rotate(arn)).toMatch(/^(PermissionDenied|RightsExceeded)/);
    expect(await canLogIn(victim)).toBe(true);
  });

  it('by a version that he labels himself', async () => {
    const arn = await fixture.createSecret({ ...secretOf(mallory), masterarn });
    const forVictim = { ...secretOf({ ...victim, password: 'planted' }), masterarn };
    await fixture.put(arn, forVictim, ['AWSPENDING']);
    expect(await fixture.rotate(arn)).not.toBe('success');
    expect([await canLogIn(victim), await canLogIn({ ...victim, password: 'planted' })]).toEqual([
      true,
      false,
    ]);
  });

  it('by a login at a port beside the admin’s server', async () => {
    const rotator = postgresAlternatingUsers(sharedOptions());
    const elsewhere = 1;
    // A server of Mallory's own, at which every password is right.
    const deceived: typeof rotator = {
      ...rotator,
      open: async (credential, context) => {
        if (credential.endpoints[0].port !== elsewhere) return rotator.open(credential, context);
        return rotator.open({ ...adminSecretCredential(), pair: credential.pair }, context);
      },
    };
    const adminSecretCredential = () => rotator.parse({ ...adminSecret(), username: adminSecret().username });
    const other = await startFixture({ rotators: [deceived] });
    try {
      const admin = await other.createSecret(adminSecret());
      const value = { ...secretOf({ ...victim, password: 'guessed' }), port: elsewhere, masterarn: admin };
      const arn = await other.createSecret(value);
      expect(await other.rotate(arn)).toMatch(/^AccountNotServed: .*another port/);
      const made = await asAdmin((client) =>
        client.query('SELECT FROM pg_roles WHERE rolname = $1', [`${victim.username}_clone`]),
      );
      expect(made.rowCount).toBe(0);
    } finally {
      await other.close();
    }
  });

  it('by a server that lets in whoever comes, which proves nothing', async () => {
    const server = await startPostgres({
      hba: [
        'host all victim 127.0.0.1/32 trust',
        'host all all 127.0.0.1/32 scram-sha-256',
        'host all all ::1/128 trust',
      ],
    });
    const ca = server.ca;
    const other = await startFixture({ rotators: [postgresAlternatingUsers({ ca: () => ca })] });
    try {
      await server.asAdmin((client) => client.query('CREATE ROLE victim LOGIN PASSWORD NULL'));
      const place = { engine: 'postgres', host: server.host, port: server.port };
      const admin = await other.createSecret({ ...place, ...server.admin });
      const value = { ...place, username: 'victim', password: 'guessed', masterarn: admin };
      const arn = await other.createSecret(value);
      expect(await other.rotate(arn)).toMatch(/^TargetFailed: The server lets "victim" in/);
      const made = await server.asAdmin((client) =>
        client.query("SELECT FROM pg_roles WHERE rolname = 'victim_clone'"),
      );
      expect(made.rowCount).toBe(0);
    } finally {
      await other.close();
      await server.stop();
    }
  });

  it('and what somebody else has said goes on working: by tag, by admin secret, and by a proof of both', async () => {
    const one = await createLogin('one');
    // The value of a tag has no spaces in a name.
    const other = { username: `other_${randomUUID()}` };
    await asAdmin((client) => client.query(`CREATE ROLE ${quoteIdentifier(other.username)} LOGIN`));
    const pair = { ...secretOf(one), masterarn, alternatingusers: [one.username, other.username] };
    const arn = await fixture.createSecret(pair, { 'keyturn:accounts': `nobody ${other.username}` });
    expect(await fixture.rotate(arn)).toBeUndefined();
    // For the way back, nobody has to name the first user: AWSPREVIOUS proves it.
    expect(await fixture.rotate(arn)).toBeUndefined();
    expect(await fixture.read(arn)).toMatchObject({ username: one.username });

    const lost = await createLogin('lost');
    const serving = await fixture.createSecret({
      ...adminSecret(),
      serves: { 'secret-*': [lost.username.slice(0, -3).concat('*')] },
    });
    const value = { ...secretOf({ ...lost, password: 'lost' }), masterarn: serving };
    const helped = await fixture.createSecret(value, { 'keyturn:rotator': 'postgres' });
    expect(await fixture.rotate(helped)).toBeUndefined();
    expect(await canLogIn(loginOf(await fixture.read(helped)))).toBe(true);
  });

  it('by a right on the same table of another database, where the other account owns it', async () => {
    const serves = { '*': [victim.username] };
    const admin = await fixture.createSecret({ ...adminSecret(), serves });
    const database = `elsewhere_${randomUUID()}`;
    const [own, other] = [quoteIdentifier(mallory.username), quoteIdentifier(victim.username)];
    await asAdmin((client) => client.query(`CREATE DATABASE ${quoteIdentifier(database)}`));
    try {
      await asAdmin(async (client) => {
        await client.query('CREATE TABLE accounts ()');
        await client.query(`ALTER TABLE accounts OWNER TO ${other}`);
        await client.query(`GRANT SELECT ON accounts TO ${own}`);
      }, database);
      const alternatingusers = [mallory.username, victim.username];
      expect(await attack({ ...secretOf(mallory), masterarn: admin, alternatingusers })).toMatch(
        /^RightsExceeded: .*ownership of objects in the database elsewhere_/,
      );
    } finally {
      await asAdmin((client) => client.query(`DROP DATABASE ${quoteIdentifier(database)} WITH (FORCE)`));
    }
  });

  it('by any rotator without a proof, even where somebody else has named it, if it can do more than an application', async () => {
    const real = postgres(sharedOptions());
    const judging: typeof real = { ...real, excessRights: async () => ['SUPERUSER'] };
    const other = await startFixture({ rotators: [judging] });
    try {
      const admin = await other.createSecret({ ...adminSecret(), serves: { '*': [victim.username] } });
      const value = { ...secretOf({ ...victim, password: 'guessed' }), masterarn: admin };
      const arn = await other.createSecret(value, { 'keyturn:rotator': 'postgres' });
      expect(await other.rotate(arn)).toMatch(/^RightsExceeded: .*SUPERUSER/);
      expect(await canLogIn(victim)).toBe(true);
    } finally {
      await other.close();
    }
  });
});
