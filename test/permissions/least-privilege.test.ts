import { readFile } from 'node:fs/promises';
import { RDSClient } from '@aws-sdk/client-rds';
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
  PutResourcePolicyCommand,
  PutSecretValueCommand,
  RotateSecretCommand,
  type SecretsManagerClient,
  UpdateSecretCommand,
} from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { refusalOf } from '../local/access-harness.ts';
import { subjects } from '../matrix/harnesses.ts';
import { adminSecret, createLogin, secretOf } from '../support/postgres-fixtures.ts';
import { instance, startRds } from '../support/rds-server.ts';
import { permissionsDocument } from './document.ts';
import { reasons } from './reasons.ts';
import { names, policyOf, readRole } from './role.ts';
import { type ScenarioName, type ScenarioParts, scenarios } from './scenarios.ts';
import { createNamed, rotateTwice, withRole } from './world.ts';

const statements = await readRole();
const scenarioNames = Object.keys(scenarios).filter((name): name is ScenarioName => name in scenarios);
const permissions = statements.flatMap(({ Sid, Action }) => Action.map((action) => ({ sid: Sid, action })));
const needed = permissions.flatMap(({ sid, action }) => {
  const witness = reasons[sid]?.actions[action];
  return typeof witness === 'string' ? [{ sid, action, witness }] : [];
});

describe('the role of the deployed function', () => {
  let parts: ScenarioParts;
  let close: () => Promise<void>;
  beforeAll(async () => {
    const { host, port } = inject('postgres');
    const instanceArn = 'arn:aws:rds:us-east-1:123456789012:db:primary';
    const server = startRds({ [instanceArn]: instance(host, port) }, {});
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const rds = new RDSClient({
      endpoint: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
      region: 'us-east-1',
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    });
    parts = { rds, instanceArn };
    close = async () => {
      rds.destroy();
      await new Promise((resolve) => server.close(resolve));
    };
  });
  afterAll(() => close());

  it.for(subjects())('is enough for two rotations: $rotator', async ({ start, missing }, { skip }) => {
    if (missing !== undefined) return skip(missing);
    const { harness, stop } = await start();
    try {
      expect(await rotateTwice(policyOf(statements), harness)).toBeUndefined();
    } finally {
      await stop();
    }
  });

  it.each(scenarioNames)('is enough for: %s', async (name) => {
    expect(await scenarios[name](policyOf(statements), parts)).toBeUndefined();
  });

  it.each(needed)('has nothing superfluous: $sid, $action', async ({ sid, action, witness }) => {
    const failure = await scenarios[witness](policyOf(statements, { sid, action }), parts);
    const refusal = action.startsWith('kms:')
      ? 'AccessDeniedException: Access to KMS is not allowed'
      : `is not authorized to perform: ${action} on resource: `;
    expect(failure).toContain(refusal);
  });

  it('has a reason for each of its actions, and no reason is left over', () => {
    const explained = Object.entries(reasons).flatMap(([sid, { actions }]) =>
      Object.keys(actions).map((action) => ({ sid, action })),
    );
    expect(explained.sort(byName)).toEqual([...permissions].sort(byName));
  });

  it('is what docs/permissions.md says (npm run generate:permissions)', async () => {
    const document = await readFile(new URL('../../docs/permissions.md', import.meta.url), 'utf8');
    expect(document).toBe(await permissionsDocument());
  });
});

describe('outside of the role', () => {
  type Call = (client: SecretsManagerClient, SecretId: string) => Promise<unknown>;
  const calls: Readonly<Record<string, Call>> = {
    DescribeSecret: (client, SecretId) => client.send(new DescribeSecretCommand({ SecretId })),
    GetSecretValue: (client, SecretId) => client.send(new GetSecretValueCommand({ SecretId })),
    PutSecretValue: (client, SecretId) =>
      client.send(new PutSecretValueCommand({ SecretId, SecretString: 'x' })),
    DeleteSecret: (client, SecretId) => client.send(new DeleteSecretCommand({ SecretId })),
    UpdateSecret: (client, SecretId) => client.send(new UpdateSecretCommand({ SecretId, Description: 'x' })),
    RotateSecret: (client, SecretId) => client.send(new RotateSecretCommand({ SecretId })),
    PutResourcePolicy: (client, SecretId) =>
      client.send(new PutResourcePolicyCommand({ SecretId, ResourcePolicy: '{}' })),
    ListSecrets: (client) => client.send(new ListSecretsCommand({})),
    CreateSecret: (client) => client.send(new CreateSecretCommand({ Name: 'mine', SecretString: 'x' })),
  };
  const ofAttached = ['DescribeSecret', 'GetSecretValue', 'PutSecretValue'];

  /** Which calls on a secret are allowed, and the words in which the others are refused. */
  const tryAll = async (client: SecretsManagerClient, arn: string) => {
    const answers = await Promise.all(
      Object.entries(calls).map(async ([name, call]) => [name, await refusalOf(call(client, arn))] as const),
    );
    for (const [name, refusal] of answers) {
      if (refusal !== undefined)
        expect(refusal).toContain(`is not authorized to perform: secretsmanager:${name}`);
    }
    return answers.flatMap(([name, refusal]) => (refusal === undefined ? [name] : []));
  };

  it('everything is refused but to read and write the secret that is attached', async () => {
    await withRole(policyOf(statements), {}, async (fixture) => {
      const attached = await fixture.createSecret(secretOf(await createLogin()));
      expect(await fixture.rotate(attached)).toBeUndefined();
      const others = await fixture.createSecret('attached to another function');
      const RotationLambdaARN = fixture.local.registerFunction('another', () => undefined);
      await fixture.client.send(
        new RotateSecretCommand({ SecretId: others, RotationLambdaARN, RotateImmediately: false }),
      );
      await fixture.local.rotationsSettled(others);
      const unattached = await fixture.createSecret('attached to none');
      const admin = await createNamed(fixture.client, names.admin, adminSecret());
      const client = fixture.functionClient;
      expect(await tryAll(client, attached)).toEqual(ofAttached);
      expect(await tryAll(client, others)).toEqual([]);
      expect(await tryAll(client, unattached)).toEqual([]);
      expect(await tryAll(client, admin)).toEqual(['DescribeSecret', 'GetSecretValue']);
    });
  });

  it('a key that is not among its keys is refused', async () => {
    await withRole(policyOf(statements), {}, async (fixture) => {
      const SecretId = await fixture.createSecret(secretOf(await createLogin()));
      await fixture.client.send(new UpdateSecretCommand({ SecretId, KmsKeyId: 'another' }));
      expect(await fixture.rotate(SecretId)).toContain('AccessDeniedException: Access to KMS is not allowed');
    });
  });
});

function byName(one: (typeof permissions)[number], other: (typeof permissions)[number]): number {
  return `${one.sid} ${one.action}`.localeCompare(`${other.sid} ${other.action}`);
}
