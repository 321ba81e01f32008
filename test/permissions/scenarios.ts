import type { RDSClient } from '@aws-sdk/client-rds';
import { postgres } from '../../rotators/postgres/index.ts';
import { quoteIdentifier } from '../../rotators/postgres/quoting.ts';
import type { PolicyJson } from '../../src/local/index.ts';
import { refusalOf } from '../local/access-harness.ts';
import { apiTokenHarness } from '../rotators/api-token/harness.ts';
import { adminSecret, asAdmin, createLogin, secretOf, sharedOptions } from '../support/postgres-fixtures.ts';
import { failOnce } from '../support/rotation-fixture.ts';
import { accountApi, accountRoutes } from '../support/token-service/accounts.ts';
import { startTokenService } from '../support/token-service/server.ts';
import { names } from './role.ts';
import { createNamed, createUnderKey, storeAccount, withRole } from './world.ts';

/** What the scenarios have in common. */
export interface ScenarioParts {
  readonly rds: RDSClient;
  /** The name of the shared Postgres at RDS. */
  readonly instanceArn: string;
}

/** A whole rotation by a function with this policy. @returns the error; undefined if it ended as it should */
type Scenario = (policy: PolicyJson, parts: ScenarioParts) => Promise<string | undefined>;

/** Rotations, and what may happen to them, by their names in the table. */
export const scenarios = {
  'Postgres, single user': (policy) =>
    withRole(policy, {}, async (fixture) =>
      fixture.rotate(await fixture.createSecret(secretOf(await createLogin()))),
    ),

  'Postgres, single user, under a customer’s key': (policy) =>
    withRole(policy, {}, async (fixture) =>
      fixture.rotate(await createUnderKey(fixture, secretOf(await createLogin()))),
    ),

  'Postgres, alternating users': (policy) =>
    withRole(policy, {}, async (fixture) => {
      const masterarn = await createNamed(fixture.client, names.admin, adminSecret());
      return fixture.rotate(await fixture.createSecret({ ...secretOf(await createLogin()), masterarn }));
    }),

  'Postgres, alternating users, whose admin secret is under a customer’s key': (policy) =>
    withRole(policy, {}, async (fixture) => {
      const masterarn = await createNamed(fixture.client, names.admin, adminSecret(), {
        KmsKeyId: names.adminKey,
      });
      return fixture.rotate(await fixture.createSecret({ ...secretOf(await createLogin()), masterarn }));
    }),

  'Postgres, alternating users, whose admin secret RDS manages': (policy, { rds, instanceArn }) =>
    withRole(policy, { createRdsClient: () => rds }, async (fixture) => {
      const { username, password } = adminSecret();
      const tags = { 'aws:rds:primaryDBInstanceArn': instanceArn };
      const admin = { username, password };
      const masterarn = await createNamed(fixture.client, names.managedAdmin, admin, { tags });
      return fixture.rotate(await fixture.createSecret({ ...secretOf(await createLogin()), masterarn }));
    }),

  'a lost password, by the default admin secret': (policy) => byDefaultAdmin(policy),

  'a lost password, by a default admin secret that RDS manages': (policy, { rds, instanceArn }) =>
    byDefaultAdmin(policy, { rds, instanceArn }),

  'the preflight of RotateImmediately=false': (policy) =>
    withRole(policy, {}, async (fixture) => {
      const arn = await fixture.createSecret(secretOf(await createLogin()));
      return fixture.rotate(arn, { immediately: false });
    }),

  'a password that the server refuses: AWSPENDING is taken off': (policy) => withRefusedPassword(policy),

  'the step revokePrevious, for a token that works for some hours more': (policy) => revokeAfterHours(policy),

  'a cleared AWSPENDING: the password is in a version without labels': (policy) =>
    withRole(policy, {}, async (fixture) => {
      const arn = await fixture.createSecret(secretOf(await createLogin()));
      failOnce(fixture.functionClient, 'UpdateSecretVersionStage', 'before');
      const first = await fixture.rotate(arn);
      if (!first?.includes('was lost')) return first ?? 'The move of AWSCURRENT was not lost.';
      await fixture.clearPending(arn);
      return fixture.rotate(arn);
    }),
} satisfies Readonly<Record<string, Scenario>>;

export type ScenarioName = keyof typeof scenarios;

function byDefaultAdmin(
  policy: PolicyJson,
  managed?: Pick<ScenarioParts, 'rds' | 'instanceArn'>,
): Promise<string | undefined> {
  const configuration = {
    adminSecretArn: `arn:aws:secretsmanager:us-east-1:123456789012:secret:${names.defaultAdmin}`,
  };
  const createRdsClient = managed && (() => managed.rds);
  return withRole(policy, { configuration, ...(createRdsClient && { createRdsClient }) }, async (fixture) => {
    const { username, password } = adminSecret();
    const tags = managed && { 'aws:rds:primaryDBInstanceArn': managed.instanceArn };
    const admin = managed ? { username, password } : adminSecret();
    await createNamed(fixture.client, names.defaultAdmin, admin, tags && { tags });
    const lost = { ...secretOf(await createLogin()), password: 'lost' };
    const named = { 'keyturn:rotator': 'postgres', 'keyturn:accounts': 'app*' };
    return fixture.rotate(await fixture.createSecret(lost, named));
  });
}

function withRefusedPassword(policy: PolicyJson): Promise<string | undefined> {
  const real = postgres(sharedOptions());
  const careless: typeof real = { ...real, generate: async ({ username }) => ({ password: username }) };
  return withRole(policy, { rotators: [careless] }, async (fixture) => {
    const login = await createLogin();
    const role = quoteIdentifier(login.username);
    await asAdmin((client) =>
      client.query(`ALTER ROLE ${role} SET session_preload_libraries = 'passwordcheck'`),
    );
    const arn = await fixture.createSecret(secretOf(login));
    const failure = await fixture.rotate(arn);
    const clean =
      Object.values(await fixture.labels(arn))
        .flat()
        .join() === 'AWSCURRENT';
    return clean && failure?.startsWith('PasswordRejected: ') ? undefined : (failure ?? 'It was accepted.');
  });
}

async function revokeAfterHours(policy: PolicyJson): Promise<string | undefined> {
  const service = await startTokenService(accountRoutes);
  const { rotator, account } = apiTokenHarness(service, accountApi('token'));
  // A moment that has passed when the event comes.
  const overdue = { ...rotator, revocation: { afterHours: 1e-9 } };
  try {
    return await withRole(policy, { rotators: [overdue] }, async (fixture) => {
      const arn = await storeAccount(fixture, await account());
      const rotation = await fixture.rotate(arn);
      if (rotation !== undefined) return rotation;
      const failure = await refusalOf(fixture.handler({ Step: 'revokePrevious', SecretId: arn }));
      const { token } = await fixture.read(arn, 'AWSPREVIOUS');
      const works = service.store.find(String(token)) !== undefined;
      return failure ?? (works ? 'The replaced token still works.' : undefined);
    });
  } finally {
    await service.stop();
  }
}
