import { readFile } from 'node:fs/promises';
import { RotateSecretCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { describe, expect, it } from 'vitest';
import { connectedApi } from '../../src/cli/fleet/here.ts';
import { fleetVersion, makePlan } from '../../src/fleet/plan.ts';
import { runFleet } from '../../src/fleet/run.ts';
import { clientOf, root, session } from '../local/access-harness.ts';
import { readTemplate } from '../support/template.ts';
import { resolveValue } from '../support/template-values.ts';
import { type Fleet, startFleet } from './fleet-fixture.ts';

interface Statement {
  readonly Sid: string;
  readonly Effect: 'Allow';
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

const functionArn = 'arn:aws:lambda:us-east-1:123456789012:function:fleet';

/** The statements of a role of fleet.yaml, for the function of the fixture. */
async function statementsOf(role: string): Promise<readonly Statement[]> {
  const template = await readTemplate('fleet.yaml');
  const given = { rotationFunctionArns: functionArn, fleetName: 'keyturn-fleet' };
  const resolved = resolveValue(template, given, template.Resources[role]?.Properties);
  const { Policies }: { Policies: { PolicyDocument: { Statement: Statement[] } }[] } = Object(resolved);
  return Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
}

/** Runs a fleet of one secret where the run has these statements alone; what it came to. */
async function runWith(statements: readonly Statement[], prepare?: (fleet: Fleet) => Promise<unknown>) {
  const policy = { Version: '2012-10-17', Statement: statements };
  const role = session('fleet', { accessKeyId: 'ASIAFLEETFLEETFLEET0', policies: [policy] });
  const fleet = await startFleet({ policies: 'enforce', principals: [root, role] }, root);
  const client: SecretsManagerClient = clientOf(fleet.local, role);
  try {
    const arn = await fleet.add('one/a', 'db');
    await prepare?.(fleet);
    const settings = {
      id: 'plan',
      madeAt: new Date(),
      waves: [100],
      perTarget: 1,
      atOnce: 1,
      toleratedPercent: 0,
      quotaShare: 1,
      pollSeconds: 1,
      mostLooks: 5,
    };
    const secrets = [{ arn, name: 'one/a', target: 'db', lastRotated: undefined }];
    const plan = { version: fleetVersion, ...makePlan(secrets, [], settings, () => crypto.randomUUID()) };
    const clock = { now: () => performance.now(), sleep: () => fleet.local.rotationsSettled(arn) };
    return await runFleet(plan, { api: connectedApi(async () => client), clock });
  } finally {
    client.destroy();
    await fleet.close();
  }
}

describe('the role of the targets in fleet.yaml', () => {
  it('is enough for a run, and is nothing but what a run calls', async () => {
    const statements = await statementsOf('TargetRole');
    expect((await runWith(statements)).counts).toMatchObject({ rotated: 1 });
    for (const { Sid } of statements) {
      const result = await runWith(statements.filter((statement) => statement.Sid !== Sid));
      expect([Sid, result.failures[0]?.outcome]).toEqual([Sid, 'refused']);
    }
    const actions = statements.flatMap(({ Action }) => Action);
    expect(actions).toEqual([
      'secretsmanager:DescribeSecret',
      'secretsmanager:RotateSecret',
      'lambda:InvokeFunction',
    ]);
  });

  it('rotates no secret of another function', async () => {
    const statements = await statementsOf('TargetRole');
    const result = await runWith(statements, async ({ local, client }) => {
      const RotationLambdaARN = local.registerFunction('another', () => undefined);
      await client.send(
        new RotateSecretCommand({ SecretId: 'one/a', RotationLambdaARN, RotateImmediately: false }),
      );
      await local.rotationsSettled('one/a');
    });
    expect(result.failures).toEqual([expect.objectContaining({ outcome: 'refused' })]);
  });
});

describe('the role of the fleet in fleet.yaml', () => {
  it('calls nothing of Secrets Manager, and every resource is named', async () => {
    const statements = await statementsOf('FleetRole');
    const text = await readFile(new URL('../../fleet.yaml', import.meta.url), 'utf8');
    expect(
      statements.flatMap(({ Action }) => Action).filter((action) => action.startsWith('secretsmanager:')),
    ).toEqual([]);
    expect(statements.flatMap(({ Resource }) => Resource)).not.toContain('*');
    // What its definition uses, and no more: S3 for waves and results, and executions.
    const services = new Set(
      statements.flatMap(({ Action }) => Action).map((action) => action.split(':')[0]),
    );
    expect([...services].sort()).toEqual(['events', 's3', 'states']);
    expect(text).not.toMatch(/Action: '?\*/);
  });
});
