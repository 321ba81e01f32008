import { RotateSecretCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { describe, expect, it } from 'vitest';
import { connectedApi } from '../../src/cli/fleet/here.ts';
import { fleetDefinition } from '../../src/fleet/definition.ts';
import { fleetVersion, makePlan } from '../../src/fleet/plan.ts';
import { runFleet } from '../../src/fleet/run.ts';
import { clientOf, root, session } from '../local/access-harness.ts';
import { type Fleet, startFleet } from './fleet-fixture.ts';
import { fleetStatements, type Statement } from './fleet-template.ts';

const functionArn = 'arn:aws:lambda:us-east-1:123456789012:function:fleet';

const statementsOf = (role: string, more: Readonly<Record<string, string>> = {}) =>
  fleetStatements(role, { rotationFunctionArns: functionArn, ...more });

/** Runs a fleet of one secret, with only these statements. @returns the outcome */
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
  it('allows what a run calls, and nothing else', async () => {
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

/**
 * What AWS documents for a role whose state machine has a distributed map that reads its items from S3, writes its
 * results there, can be redriven, and whose items start executions and wait for them.
 */
const documented: Readonly<Record<string, readonly string[]>> = {
  // https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html: "running a Distributed Map",
  // where executions of the map have its label in their ARNs.
  'states:StartExecution': ['stateMachine:keyturn-fleet', 'TargetStateMachine'],
  'states:DescribeExecution': [
    'execution:keyturn-fleet:*',
    'execution:keyturn-fleet/Targets:*',
    'execution:keyturn-fleet-target:*',
  ],
  'states:StopExecution': [
    'execution:keyturn-fleet:*',
    'execution:keyturn-fleet/Targets:*',
    'execution:keyturn-fleet-target:*',
  ],
  // The same page, "redriving a Distributed Map", and redrive-map-run.html#maprun-iam-permission.
  'states:RedriveExecution': ['execution:keyturn-fleet/Targets:*'],
  // The same page, "reading data from Amazon S3" and "writing results to an Amazon S3 bucket".
  's3:GetObject': ['Bucket.Arn/*'],
  's3:PutObject': ['Bucket.Arn/*'],
  's3:ListMultipartUploadParts': ['Bucket.Arn/*'],
  's3:AbortMultipartUpload': ['Bucket.Arn/*'],
  // https://docs.aws.amazon.com/step-functions/latest/dg/stepfunctions-iam.html, "synchronous".
  'events:PutTargets': ['rule/StepFunctionsGetEventsForStepFunctionsExecutionRule'],
  'events:PutRule': ['rule/StepFunctionsGetEventsForStepFunctionsExecutionRule'],
  'events:DescribeRule': ['rule/StepFunctionsGetEventsForStepFunctionsExecutionRule'],
};

describe('the role of the fleet in fleet.yaml', () => {
  it('may do what AWS documents for its definition, and nothing else', async () => {
    const statements = await statementsOf('FleetRole');
    const granted = new Map<string, string[]>();
    for (const { Action, Resource, Effect, Condition } of statements) {
      expect([Effect, Condition]).toEqual(['Allow', undefined]);
      for (const action of [Action].flat()) {
        const resources = [Resource]
          .flat()
          .map((arn) =>
            String(arn).replace(/^arn:aws:(states|events):us-east-1:123456789012:|^arn:aws:template:::/, ''),
          );
        granted.set(action, [...(granted.get(action) ?? []), ...resources]);
      }
    }
    expect(Object.fromEntries(granted)).toEqual(documented);
  });

  it('uses the key of the bucket by S3 alone, where there is one', async () => {
    const kmsKeyArn = 'arn:aws:kms:us-east-1:123456789012:key/one';
    const [key, ...others] = (await statementsOf('FleetRole', { kmsKeyArn })).filter(({ Action }) =>
      [Action].flat().some((action) => action.startsWith('kms:')),
    );
    expect(others).toEqual([]);
    expect(key).toMatchObject({
      Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
      Resource: kmsKeyArn,
      Condition: { StringEquals: { 'kms:ViaService': 's3.us-east-1.amazonaws.com' } },
    });
  });

  it('redrives executions of the map that its definition has', () => {
    expect(JSON.stringify(fleetDefinition)).toContain('"Label":"Targets"');
  });
});
