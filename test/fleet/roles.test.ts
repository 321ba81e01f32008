import { DescribeExecutionCommand, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fleetDefinition, targetDefinition } from '../../src/fleet/definition.ts';
import type { LocalPrincipal } from '../../src/local/index.ts';
import { allow, policy, session, user } from '../local/access-harness.ts';
import type { S3Call } from '../support/s3-server.ts';
import { fleetStatements, type Statement } from './fleet-template.ts';
import { accountId, python, type StateMachines, skipped, startStateMachines } from './state-machines.ts';

const functionArn = `arn:aws:lambda:us-east-1:${accountId}:function:fleet`;
const given = { rotationFunctionArns: functionArn, 'AWS::AccountId': accountId };
const roleArn = (name: string): string => `arn:aws:iam::${accountId}:role/${name}`;

/** A role's statements without an action. */
function without(statements: readonly Statement[], action: string): Statement[] {
  return statements.flatMap((statement) => {
    const Action = [statement.Action].flat().filter((one) => one !== action);
    return Action.length === 0 ? [] : [{ ...statement, Action }];
  });
}

const actionsOf = (statements: readonly Statement[]): string[] =>
  statements.flatMap(({ Action }) => [Action].flat());

/** The state machines run with their roles' credentials, and the policies of fleet.yaml are enforced. */
describe.skipIf(python === undefined)(
  `the roles of fleet.yaml, with the state machines interpreted${skipped}`,
  () => {
    let machines: StateMachines;
    const targetActions = [
      'secretsmanager:DescribeSecret',
      'secretsmanager:RotateSecret',
      'lambda:InvokeFunction',
    ];
    const usedOfS3 = ['s3:GetObject', 's3:PutObject'] as const;
    const owner = user('admin', { policies: [policy(allow('*'))] }, accountId);
    const roles = new Map<string, LocalPrincipal>();
    /** The operations of Secrets Manager by access key. */
    const calls: { accessKeyId: string | undefined; operation: string }[] = [];
    beforeAll(async () => {
      const ofTarget = await fleetStatements('TargetRole', given);
      const ofFleet = await fleetStatements('FleetRole', given);
      expect(actionsOf(ofTarget)).toEqual(targetActions);
      const addRole = (name: string, statements: readonly Statement[]): void => {
        const policies = statements.length === 0 ? [] : [{ Version: '2012-10-17', Statement: statements }];
        const accessKeyId = `ASIAROLE${String(roles.size).padStart(12, '0')}`;
        roles.set(roleArn(name), session(name, { accessKeyId, policies }, accountId));
      };
      addRole('target', ofTarget);
      for (const action of targetActions) addRole(`target-${nameOf(action)}`, without(ofTarget, action));
      addRole('fleet', ofFleet);
      const granted = new Map<string, ReadonlySet<string>>();
      const keyOf = (name: string): string => roles.get(roleArn(name))?.accessKeyId ?? '';
      granted.set(keyOf('fleet'), new Set(actionsOf(ofFleet)));
      for (const action of usedOfS3) {
        addRole(`fleet-${nameOf(action)}`, ofFleet);
        granted.set(keyOf(`fleet-${nameOf(action)}`), new Set(actionsOf(without(ofFleet, action))));
      }
      for (const action of ['target', ...targetActions.map((one) => `target-${nameOf(one)}`)])
        granted.set(keyOf(action), new Set());
      const allows = ({ accessKeyId, action }: S3Call): boolean =>
        granted.get(accessKeyId)?.has(action) ?? true;
      machines = await startStateMachines({
        owner,
        options: { policies: 'enforce', principals: [owner, ...roles.values()] },
        roleKeys: Object.fromEntries(roles),
        targetRole: roleArn('target'),
        fleetRole: roleArn('fleet'),
        allows,
      });
      machines.fleet.local.on((event) => {
        if (event.type === 'call') calls.push({ accessKeyId: event.accessKeyId, operation: event.operation });
      });
    }, 120_000);
    afterAll(() => machines?.close());

    const nameOf = (action: string): string => action.replace(':', '-');
    const operationsOf = (role: string): string[] => {
      const key = roles.get(roleArn(role))?.accessKeyId;
      return [...new Set(calls.filter(({ accessKeyId }) => accessKeyId === key).map((one) => one.operation))];
    };

    it('are enough for a run, and use what they may do of Secrets Manager and S3', async () => {
      const { fleet, s3, machine, keyturn, planFor } = machines;
      await fleet.addMany('whole/', 4, 2);
      const file = await planFor('whole/', '--waves', 'canary,100');
      const started = await keyturn('start', file, '--state-machine', machine);
      const watched = await keyturn('watch', String(started.document.execution));
      expect(watched.document).toMatchObject({ status: 'SUCCEEDED' });
      expect(fleet.rotationsOf('whole/')).toBe(4);
      // RotateSecret needs lambda:InvokeFunction: the next test.
      expect(operationsOf('target').sort()).toEqual(['DescribeSecret', 'RotateSecret']);
      expect(operationsOf('fleet')).toEqual([]);
      const byFleet = s3.calls.filter(
        ({ accessKeyId }) => accessKeyId === roles.get(roleArn('fleet'))?.accessKeyId,
      );
      expect(new Set(byFleet.map(({ action }) => action))).toEqual(new Set(usedOfS3));
    }, 120_000);

    it.each(targetActions)(
      'of a target needs each of its permissions: %s',
      async (action) => {
        const { fleet, interpreter, create } = machines;
        const name = nameOf(action);
        const arn = await fleet.add(`${name}/a`, 'db');
        const machine = await create(name, targetDefinition, {}, roleArn(`target-${name}`));
        const entry = {
          arn,
          name: `${name}/a`,
          token: crypto.randomUUID(),
          rotatedBefore: '1970-01-01T00:00:00Z',
        };
        const input = { target: 'db', perTarget: 1, pollSeconds: 1, mostLooks: 2, secrets: [entry] };
        const { executionArn } = await interpreter.client.send(
          new StartExecutionCommand({ stateMachineArn: machine, input: JSON.stringify(input) }),
        );
        let ended = await interpreter.client.send(new DescribeExecutionCommand({ executionArn }));
        while (ended.status === 'RUNNING') {
          await new Promise((resolve) => setTimeout(resolve, 100));
          ended = await interpreter.client.send(new DescribeExecutionCommand({ executionArn }));
        }
        expect(ended).toMatchObject({ status: 'FAILED', error: 'SecretsNotRotated' });
        expect(ended.cause).toMatch(/AccessDenied|not authorized|cannot invoke/);
        expect(fleet.rotationsOf(`${name}/`)).toBe(0);
      },
      // A refused call is tried six times more, because the SDK integration has one name for many errors. The random
      // waits before them are 61 s at most.
      150_000,
    );

    it.each(usedOfS3)(
      'of the fleet needs each of its permissions: %s',
      async (action) => {
        const { fleet, targetMachine, keyturn, planFor, create } = machines;
        const name = nameOf(action);
        const names = { Bucket: 'plans', TargetStateMachineArn: targetMachine };
        const machine = await create(name, fleetDefinition, names, roleArn(`fleet-${name}`));
        await fleet.add(`${name}/a`, 'db');
        const file = await planFor(`${name}/`);
        const started = await keyturn('start', file, '--state-machine', machine);
        const watched = await keyturn('watch', String(started.document.execution));
        expect(watched.document).toMatchObject({ status: 'FAILED' });
        expect(JSON.stringify(watched.document)).toMatch(
          /AccessDenied|PermissionsException|ResultWriter|ItemReader|S3/i,
        );
      },
      60_000,
    );
  },
);
