import {
  CreateSecretCommand,
  DescribeSecretCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../examples/sam/program.ts';
import { type LocalSecretsManager, startLocalSecretsManager } from '../../src/local/index.ts';
import { readTemplate } from '../support/template.ts';
import { evaluateConditions, type ParameterValues } from '../support/template-conditions.ts';
import { attachedSecret, type CombinationName, combinations } from './combinations.ts';
import { type Deployment, openTestAccount, type Statement, type TestAccount } from './deployment.ts';
import { describeUnless, missingSam } from './tools.ts';

/** Statements of the role, by the condition that they are there for. */
const statementsFor: Readonly<Record<string, readonly string[]>> = {
  MakesRole: ['RotateSecretsAttachedToThisFunction', 'WriteLog'],
  HasKey: ['UseKeysOfSecrets'],
  HasCacheUsers: ['SetPasswordsOfCacheUsers', 'DescribeCacheUsers'],
  HasSuperuser: ['ReadAdminSecrets'],
  HasDefaultAdmin: ['ReadDefaultAdminSecret'],
  HasAdminKey: ['UseKeysOfAdminSecrets'],
  MayDescribeRds: ['DescribeRds'],
  IsTraced: ['WriteTraces'],
  InVpc: ['LetLambdaMakeNetworkInterfaces', 'KeepNetworkInterfacesFromTheCode'],
};

describeUnless(await missingSam(), 'the template', () => {
  let local: LocalSecretsManager;
  let account: TestAccount;
  let client: SecretsManagerClient;
  const names = Object.keys(combinations) as CombinationName[];
  const nameOf = (combination: CombinationName): string => `keyturn-${combination}`;
  const arnOf = (combination: CombinationName): string =>
    `arn:aws:lambda:us-east-1:123456789012:function:${nameOf(combination)}`;
  const parameters = new Map<CombinationName, ParameterValues>();
  const steps = new Map<CombinationName, string[]>(names.map((name) => [name, []]));
  let deployments: Readonly<Record<string, Deployment>>;
  beforeAll(async () => {
    local = await startLocalSecretsManager({ retryDelaysMs: [] });
    client = new SecretsManagerClient(local.clientConfig);
    account = await openTestAccount(local.url);
    for (const name of names) parameters.set(name, await parametersOf(name));
    const stacks = names.map((name) => ({ name: nameOf(name), parameters: parameters.get(name) ?? {} }));
    deployments = await account.deploy(stacks);
  }, 900_000);
  afterAll(async () => {
    client.destroy();
    await account.close();
    await local.close();
  });

  it('is clean to sam validate --lint', async () => {
    expect((await run('sam', ['validate', '--lint'])).stdout).toContain('is a valid SAM Template');
  });

  /** The combination, with a secret of its own to attach to where one is attached. */
  async function parametersOf(name: CombinationName): Promise<ParameterValues> {
    const given: ParameterValues = { ...combinations[name], functionName: nameOf(name) };
    if (given.attachSecretArn === undefined) return given;
    const Name = `${attachedSecret}/${name}`;
    const { ARN = '' } = await client.send(new CreateSecretCommand({ Name, SecretString: '{}' }));
    local.registerFunction(arnOf(name), async ({ Step }) => void steps.get(name)?.push(Step));
    return { ...given, attachSecretArn: ARN };
  }

  describe.each(names)('deployed with the parameters of: %s', (name) => {
    const functionName = nameOf(name);
    const arn = arnOf(name);
    let given: ParameterValues;
    let deployed: Deployment;
    beforeAll(() => {
      const deployment = deployments[functionName];
      if (deployment === undefined) throw new Error(`${functionName} was not deployed.`);
      deployed = deployment;
      given = parameters.get(name) ?? {};
    });

    it("passes cfn-lint after AWS's transform", () => {
      expect(deployed.lint).toBe('');
    });

    it('has a role that may do what these parameters ask for, and nothing else', async () => {
      const conditions = evaluateConditions(await readTemplate(), given);
      if (!conditions.get('MakesRole')) {
        expect([deployed.role.Statements, deployed.function.Role]).toEqual([[], given.roleArn]);
        return;
      }
      const expected = Object.keys(statementsFor).flatMap((condition) =>
        conditions.get(condition) ? (statementsFor[condition] ?? []) : [],
      );
      expect(deployed.role.Statements.map(({ Sid }) => Sid).sort()).toEqual(expected.sort());
      expect(deployed.role.PermissionsBoundary?.PermissionsBoundaryArn).toBe(given.permissionsBoundaryArn);
      for (const statement of deployed.role.Statements) expectNarrow(statement, arn);
    });

    it('may be invoked by Secrets Manager, for this account and those it serves, by its own rule, and by nobody else', () => {
      const rule = deployed.rules.find(({ ScheduleExpression }) => ScheduleExpression !== undefined);
      const accounts = ['123456789012', ...(given.servedAccountIds?.split(',') ?? [])];
      const invokers = [
        ...accounts.map((account) => ({
          Principal: { Service: 'secretsmanager.amazonaws.com' },
          Condition: { StringEquals: { 'AWS:SourceAccount': account } },
        })),
        ...(rule === undefined
          ? []
          : [
              {
                Principal: { Service: 'events.amazonaws.com' },
                Condition: { ArnLike: { 'AWS:SourceArn': rule.Arn } },
              },
            ]),
      ];
      const allowed = { Effect: 'Allow', Action: 'lambda:InvokeFunction' };
      expect(deployed.permission).toHaveLength(invokers.length);
      for (const invoker of invokers)
        expect(deployed.permission).toContainEqual(expect.objectContaining({ ...allowed, ...invoker }));
    });

    it('is sent the event that revokes AWSPREVIOUS, as often as it is to look', () => {
      const sent = deployed.rules.filter(({ ScheduleExpression }) => ScheduleExpression !== undefined);
      const input = JSON.stringify({ Step: 'revokePrevious', SecretId: given.attachSecretArn });
      const rule = {
        ScheduleExpression: given.revokePreviousEvery,
        Targets: [{ Id: 'function', Arn: arn, Input: input }],
      };
      expect(sent).toMatchObject(given.revokePreviousEvery === undefined ? [] : [rule]);
    });

    it('has a function that is set up by the parameters', () => {
      const { VpcConfig, Environment } = deployed.function;
      expect(VpcConfig?.SubnetIds.join()).toBe(given.vpcSubnetIds);
      expect(VpcConfig?.SecurityGroupIds.join()).toBe(given.vpcSecurityGroupIds);
      expect(Environment.Variables).toMatchObject({
        KEYTURN_CA_FILE: given.privateCaLayerArn ? '/opt/ca.pem' : '',
        KEYTURN_ADMIN_SECRET_ARN: given.defaultAdminSecretArn ?? '',
        NODE_EXTRA_CA_CERTS: '/var/runtime/ca-cert.pem',
        POWERTOOLS_SERVICE_NAME: functionName,
      });
      expect(Environment.Variables.EXCLUDE_CHARACTERS).toBe(given.excludeCharacters);
      expect(Environment.Variables).not.toHaveProperty('NODE_OPTIONS');
      expect(deployed.logGroups).toMatchObject([
        { logGroupName: `/aws/lambda/${functionName}`, retentionInDays: 90 },
      ]);
    });

    it('tells the ARNs and how to attach it', () => {
      expect(deployed.outputs).toMatchObject({
        RotationLambdaARN: arn,
        RotationRoleArn: deployed.function.Role,
        AttachCommand: `npx keyturn attach SECRET --function ${arn} --every 30d`,
      });
    });

    it('has alarms, a rule and a dashboard where it is monitored', () => {
      const topic = deployed.outputs.AlarmTopicArn;
      expect(topic === undefined).toBe(given.monitoring === undefined);
      const alarms = ['FailedRotation', 'RepeatedRotation', 'Duration', 'Gap'];
      const expected = topic === undefined ? [] : alarms.map((alarm) => `${functionName}-${alarm}Alarm`);
      const seen = deployed.alarms.map(({ AlarmName }) => AlarmName.replace(/-[A-Z0-9]+$/, ''));
      expect(seen.sort()).toEqual(expected.sort());
      for (const { AlarmActions } of deployed.alarms) expect(AlarmActions).toEqual([topic]);
      const rules = deployed.rules.filter(({ EventPattern }) => EventPattern !== null);
      for (const { Targets } of rules) expect(Targets).toEqual([{ Id: 'topic', Arn: topic }]);
      expect(rules.length).toBe(topic === undefined ? 0 : 1);
      if (given.alarmTopicArn !== undefined) expect(topic).toBe(given.alarmTopicArn);
      const dashboards = deployed.types.filter((type) => type === 'AWS::CloudWatch::Dashboard');
      expect(dashboards).toHaveLength(topic === undefined ? 0 : 1);
    });

    it('has a topic of its own to which only its alarms and its rule publish, unless it is given one', () => {
      const [policy] = deployed.topicPolicies;
      expect(policy !== undefined).toBe(given.monitoring !== undefined && given.alarmTopicArn === undefined);
      if (policy === undefined) return;
      const Resource = deployed.outputs.AlarmTopicArn;
      const [rule] = deployed.rules.filter(({ EventPattern }) => EventPattern !== null);
      const publish = { Effect: 'Allow', Action: 'sns:Publish', Resource };
      expect(policy.Statement).toEqual([
        {
          ...publish,
          Principal: { Service: 'cloudwatch.amazonaws.com' },
          Condition: { StringEquals: { 'aws:SourceAccount': '123456789012' } },
        },
        {
          ...publish,
          Principal: { Service: 'events.amazonaws.com' },
          Condition: { ArnEquals: { 'aws:SourceArn': rule?.Arn } },
        },
      ]);
    });

    it('rotates the secret that it is attached to by its schedule', async () => {
      await local.rotationsSettled();
      if (given.attachSecretArn === undefined) {
        expect(steps.get(name)).toEqual([]);
        return;
      }
      const secret = await client.send(new DescribeSecretCommand({ SecretId: given.attachSecretArn }));
      expect(secret).toMatchObject({ RotationEnabled: true, RotationLambdaARN: arn });
      expect(secret.RotationRules).toMatchObject({
        ScheduleExpression: given.rotationSchedule ?? 'rate(30 days)',
        ...(given.rotationWindow !== undefined && { Duration: given.rotationWindow }),
      });
      const all = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'];
      expect(steps.get(name)).toEqual(given.rotateImmediately === 'true' ? all : ['testSecret']);
    });
  });
});

/** Expects that no statement allows too much: actions with wildcards, or all secrets and keys. */
function expectNarrow(statement: Statement, functionArn: string): void {
  const { Effect, Action, Resource, Condition } = statement;
  for (const action of [Action].flat()) expect(action).not.toContain('*');
  if (Effect === 'Deny') return;
  const services = new Set([Action].flat().map((action) => action.split(':')[0]));
  if (services.has('kms')) {
    expect(Condition).toEqual({
      StringEquals: { 'kms:ViaService': 'secretsmanager.us-east-1.amazonaws.com' },
    });
  }
  if (services.has('secretsmanager') && [Resource].flat().some((arn) => arn.includes('*'))) {
    expect(Condition).toEqual({
      StringEquals: { 'secretsmanager:resource/AllowRotationLambdaArn': functionArn },
    });
  }
  // Neither EC2's calls for Lambda nor X-Ray's know resources.
  if (!services.has('ec2') && !services.has('xray')) expect([Resource].flat()).not.toContain('*');
}
