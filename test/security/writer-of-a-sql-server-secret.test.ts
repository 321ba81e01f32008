import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sqlServerAlternatingUsers } from '../../rotators/sqlserver/index.ts';
import { quoteIdentifier, quoteLiteral } from '../../rotators/sqlserver/quoting.ts';
import { type RotationFixture, startFixture } from '../support/rotation-fixture.ts';
import {
  randomPassword,
  type SqlServerHarness,
  standInHarness,
  type TestLogin,
} from '../support/tds/harness.ts';

/*
 * Mallory may write a secret, and make users in a contained database. There a user with the name of a login is let in by
 * a password of its own, which proves nothing about the login. Against the stand-in for SQL Server.
 */
describe('whoever writes a secret, and makes users in a contained database', () => {
  let harness: SqlServerHarness;
  let fixture: RotationFixture;
  let database: string;
  let masterarn: string;
  let mallory: TestLogin;
  let dba: TestLogin;

  beforeAll(async () => {
    harness = await standInHarness();
    const made = await harness.contained();
    if ('missing' in made) throw new Error(made.missing);
    database = made.database;
    fixture = await startFixture({ rotators: [sqlServerAlternatingUsers(harness.options)] });
    masterarn = await fixture.createSecret(harness.adminSecret());
    mallory = await harness.createLogin('mallory');
    dba = await harness.createLogin('dba');
    await createUser(mallory);
  });
  afterAll(async () => {
    await fixture?.close();
    await harness?.stop();
  });

  /** The user of a login in the contained database. */
  async function createUser({ username }: TestLogin): Promise<void> {
    const name = quoteIdentifier(username);
    await harness.asAdmin([`CREATE USER ${name} FOR LOGIN ${name}`], database);
  }

  it("gets no login's password changed by a user of its name, who proves himself as the other of a pair", async () => {
    const fake = { username: dba.username, password: randomPassword() };
    await harness.asAdmin(
      [`CREATE USER ${quoteIdentifier(fake.username)} WITH PASSWORD = ${quoteLiteral(fake.password)}`],
      database,
    );
    const alternatingusers = [mallory.username, dba.username];
    const arn = await fixture.createSecret({
      ...harness.secretOf(fake, database),
      masterarn,
      alternatingusers,
    });
    await fixture.put(arn, { ...harness.secretOf(mallory, database), masterarn, alternatingusers });
    expect(await fixture.rotate(arn)).toMatch(/^PermissionDenied: .*login dba .*is not its password/);
    expect(await harness.canLogIn(dba, 'master')).toBe(true);
  });

  it('and a pair of logins goes on where AWSCURRENT is refused and AWSPREVIOUS is accepted', async () => {
    const app = await harness.createLogin('app');
    await createUser(app);
    const arn = await fixture.createSecret({ ...harness.secretOf(app, database), masterarn });
    expect(await fixture.rotate(arn)).toBeUndefined();
    const clone = { ...(await fixture.read(arn)), password: 'overwritten by hand' };
    await fixture.put(arn, { ...harness.secretOf(app, database), masterarn });
    await fixture.put(arn, clone);
    expect(await fixture.rotate(arn)).toBeUndefined();
    expect(await fixture.read(arn)).toMatchObject({ username: app.username });
  });
});
