import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { lambdaBuild } from '../bench/support/bundle.ts';
import { createRotators } from '../rotators/index.ts';
import { formNames } from '../src/documents/form.ts';
import { combinations } from './sam/combinations.ts';
import { readTemplate, type Template } from './support/template.ts';
import { evaluateConditions, type ParameterValues, refusals } from './support/template-conditions.ts';
import { resolveValue } from './support/template-values.ts';

const read = (file: string): Promise<string> => readFile(new URL(`../${file}`, import.meta.url), 'utf8');

let template: Template;
beforeAll(async () => {
  template = await readTemplate();
});

describe('the template', () => {
  it('has SAM bundle the function as the bundle that is measured', () => {
    const { banner, outExtension, mainFields, format, target, minify } = lambdaBuild;
    const list = (values: object): string[] =>
      Object.entries(values).map(([key, value]) => `${key}=${value}`);
    expect(template.Resources.RotationFunction?.Metadata).toEqual({
      BuildMethod: 'esbuild',
      BuildProperties: {
        EntryPoints: ['src/lambda.ts'],
        UseNpmCi: true,
        Format: format,
        Target: target,
        Minify: minify,
        Splitting: true,
        MainFields: mainFields.join(),
        OutExtension: list(outExtension),
        Banner: list(banner),
      },
    });
  });

  it("has the processor, tracing and the private authorities' layer as parameters say", () => {
    const privateCaLayerArn = 'arn:aws:lambda:us-east-1:123456789012:layer:private-ca:1';
    const properties = (given: ParameterValues): unknown =>
      resolveValue(template, given, template.Resources.RotationFunction?.Properties);
    const variables = (given: ParameterValues): unknown => Object(properties(given)).Environment.Variables;
    expect(properties({})).toMatchObject({ Architectures: ['x86_64'], Tracing: 'PassThrough', Layers: [] });
    expect(variables({})).toMatchObject({ POWERTOOLS_TRACE_ENABLED: 'false', KEYTURN_TRACING: '' });
    expect(variables({})).not.toHaveProperty('AWS_LAMBDA_EXEC_WRAPPER');
    expect(properties({ architecture: 'arm64', tracing: 'true', privateCaLayerArn })).toMatchObject({
      Architectures: ['arm64'],
      Tracing: 'Active',
      Layers: [privateCaLayerArn],
    });
    expect(variables({ tracing: 'true' })).toMatchObject({
      POWERTOOLS_TRACE_ENABLED: 'true',
      KEYTURN_TRACING: '',
    });
    const openTelemetryLayerArn = 'arn:aws:lambda:us-east-1:615299751070:layer:AWSOpenTelemetryDistroJs:5';
    const traced = { tracing: 'opentelemetry', openTelemetryLayerArn };
    expect(properties(traced)).toMatchObject({ Tracing: 'Active', Layers: [openTelemetryLayerArn] });
    expect(variables(traced)).toMatchObject({
      POWERTOOLS_TRACE_ENABLED: 'false',
      KEYTURN_TRACING: 'opentelemetry',
      AWS_LAMBDA_EXEC_WRAPPER: '/opt/otel-instrument',
      // What it would trace by itself has paths in it that can be credentials.
      OTEL_NODE_ENABLED_INSTRUMENTATIONS: 'aws-lambda',
    });
  });

  it('keeps the log when the stack goes, and not that of a stack that was never made', () => {
    const { LogGroup } = template.Resources;
    expect(LogGroup).toMatchObject({ DeletionPolicy: 'RetainExceptOnCreate', UpdateReplacePolicy: 'Retain' });
  });

  it('hears of each event of Secrets Manager that tells of a failure', () => {
    const { FailedRotationRule } = template.Resources;
    const { EventPattern } = Object(FailedRotationRule?.Properties);
    expect(EventPattern.detail.eventName).toEqual([
      'RotationFailed',
      'TestRotationFailed',
      'RotationAbandoned',
    ]);
  });

  it('makes an endpoint of Secrets Manager that lets the function in, and nobody else', () => {
    const given = {
      vpcSubnetIds: 'subnet-1,subnet-2',
      vpcSecurityGroupIds: 'sg-1,sg-2',
      vpcEndpointVpcId: 'vpc-1',
    };
    const properties = (name: string): unknown =>
      resolveValue(template, given, template.Resources[name]?.Properties);
    expect(evaluateConditions(template, given).get('MakesEndpoint')).toBe(true);
    expect(properties('SecretsManagerEndpoint')).toEqual({
      VpcEndpointType: 'Interface',
      ServiceName: 'com.amazonaws.us-east-1.secretsmanager',
      VpcId: 'vpc-1',
      SubnetIds: ['subnet-1', 'subnet-2'],
      SecurityGroupIds: ['EndpointSecurityGroup'],
      PrivateDnsEnabled: true,
    });
    expect(properties('EndpointSecurityGroup')).toMatchObject({
      VpcId: 'vpc-1',
      SecurityGroupIngress: [
        { IpProtocol: 'tcp', FromPort: 443, ToPort: 443, SourceSecurityGroupId: 'sg-1' },
      ],
    });
  });

  it.each([1, 2, 5])(
    'serves %i other accounts: each may invoke it, and its secrets are in the role',
    (count) => {
      const accounts = Array.from({ length: count }, (_, index) => `${index + 1}`.repeat(12));
      const given = { servedAccountIds: accounts.join() };
      expect(refusals(template, given)).toEqual([]);
      const conditions = evaluateConditions(template, given);
      const invokers = Object.values(template.Resources)
        .filter(({ Condition }) => Condition !== undefined && conditions.get(Condition))
        .map(({ Properties }) => resolveValue(template, given, Properties))
        .filter((properties) => Object(properties).Action === 'lambda:InvokeFunction');
      expect(invokers).toEqual(
        accounts.map((SourceAccount) =>
          expect.objectContaining({ Principal: 'secretsmanager.amazonaws.com', SourceAccount }),
        ),
      );
      const role = resolveValue(template, given, template.Resources.RotationRole?.Properties);
      const [statement] = Object(role).Policies[0].PolicyDocument.Statement;
      expect(statement.Resource).toEqual(
        ['123456789012', ...accounts].map(
          (account) => `arn:aws:secretsmanager:us-east-1:${account}:secret:*`,
        ),
      );
    },
  );

  it('encrypts the log and the alarm topic with the key that is given', () => {
    const { LogGroup, AlarmTopic } = template.Resources;
    const resolve = (given: ParameterValues): unknown[] =>
      [LogGroup, AlarmTopic].map((resource) => resolveValue(template, given, resource?.Properties));
    const logAndAlarmKmsKeyArn = 'arn:aws:kms:us-east-1:123456789012:key/log';
    expect(resolve({ logAndAlarmKmsKeyArn })).toEqual([
      expect.objectContaining({ KmsKeyId: logAndAlarmKmsKeyArn }),
      { KmsMasterKeyId: logAndAlarmKmsKeyArn },
    ]);
    expect(resolve({})).toEqual([expect.not.objectContaining({ KmsKeyId: expect.anything() }), {}]);
  });

  it('has docs/monitoring.md tell the key policy for the log group and for all that publish to the topic', async () => {
    const [, text = ''] =
      /logAndAlarmKmsKeyArn`, the log group.*?```json\n(.*?)```/s.exec(await read('docs/monitoring.md')) ??
      [];
    const statements: { Principal: { Service: string }; Condition?: object }[] = JSON.parse(text);
    const services = ['logs.REGION.amazonaws.com', ...publishers()];
    expect(statements.map(({ Principal }) => Principal.Service)).toEqual(services);
    const logGroup = resolveValue(
      template,
      { functionName: 'FUNCTION' },
      template.Resources.LogGroup?.Properties,
    );
    expect(logGroup).toMatchObject({ LogGroupName: '/aws/lambda/FUNCTION' });
    expect(statements[0]?.Condition).toEqual({
      ArnEquals: {
        'kms:EncryptionContext:aws:logs:arn': 'arn:aws:logs:REGION:ACCOUNT:log-group:/aws/lambda/FUNCTION',
      },
    });
  });

  it('offers every rotator of the function, and every form of a secret', () => {
    const { defaultRotator, secretForm } = template.Parameters;
    expect(defaultRotator?.AllowedValues).toEqual(['', ...createRotators({}).map(({ name }) => name)]);
    expect(secretForm?.AllowedValues).toEqual(['', ...formNames]);
  });

  it('sets every variable that the function reads', async () => {
    const sources = await Promise.all(
      ['src/configuration.ts', 'src/lambda.ts', 'src/powertools.ts'].map(read),
    );
    const variables = sources
      .join()
      .match(/\b(?:KEYTURN|EXCLUDE|PASSWORD|REQUIRE|SECRETS_MANAGER|USERNAME)_[A-Z_]+\b/g);
    const properties = JSON.stringify(template.Resources.RotationFunction?.Properties);
    expect(new Set(variables).size).toBeGreaterThan(10);
    for (const variable of new Set(variables)) expect(properties).toContain(`"${variable}":`);
  });

  it('explains each parameter in docs/parameters.md, and no other', async () => {
    const rows = Object.entries(template.Parameters).map(([name, { Default, Description }]) => {
      const shown = Default === '' ? '' : `\`${Default}\``;
      return `| \`${name}\` | ${shown} | ${Description} |`;
    });
    const documented = (await read('docs/parameters.md')).match(/^\| `[a-z]\w*` \|.*\|$/gm);
    expect(documented).toEqual(rows);
  });

  it('explains each statement of the role, each alarm and each rule in the documentation', async () => {
    const resources = Object.keys(template.Resources).filter((name) => /(Alarm|Rule|Dashboard)$/.test(name));
    const statements = JSON.stringify(template.Resources.RotationRole).match(/(?<="Sid":")\w+/g) ?? [];
    expect(statements.length).toBeGreaterThan(5);
    const permissions = await read('docs/permissions.md');
    for (const name of statements) expect(permissions).toContain(`\n## ${name}\n`);
    const explained = (await Promise.all(['docs/monitoring.md', 'docs/parameters.md'].map(read))).join('');
    for (const name of resources) expect(explained).toContain(`\`${name}\``);
  });
});

/** The services that the topic's policy lets in. */
function publishers(): string[] {
  const policy = JSON.stringify(template.Resources.AlarmTopicPolicy);
  return policy.match(/(?<="Service":")[^"]+/g) ?? [];
}

describe('the combinations that are deployed', () => {
  it('are taken by the rules and constraints', () => {
    for (const given of Object.values(combinations)) expect(refusals(template, given)).toEqual([]);
  });

  it('switch each condition on and off', () => {
    const results = Object.values(combinations).map((given) => evaluateConditions(template, given));
    for (const name of Object.keys(template.Conditions)) {
      expect(new Set(results.map((conditions) => conditions.get(name))), name).toEqual(
        new Set([true, false]),
      );
    }
  });
});

describe('the environments of samconfig.toml', () => {
  it('have parameters that are taken', async () => {
    const overrides = [...(await read('samconfig.toml')).matchAll(/^parameter_overrides = "(.*)"$/gm)];
    expect(overrides.length).toBe(2);
    for (const [, list = ''] of overrides) {
      const given = Object.fromEntries(list.split(' ').map((pair) => pair.split('=')));
      expect(refusals(template, given)).toEqual([]);
    }
  });
});

describe('parameters that make no sense', () => {
  const account = 'us-east-1:123456789012';
  const impossible: readonly [ParameterValues, string][] = [
    [{ vpcSubnetIds: 'subnet-1a' }, 'vpcSubnetIds and vpcSecurityGroupIds go together; give both or none.'],
    [
      { vpcSecurityGroupIds: 'sg-1a' },
      'vpcSubnetIds and vpcSecurityGroupIds go together; give both or none.',
    ],
    [
      {
        excludeNumbers: 'true',
        excludePunctuation: 'true',
        excludeUppercase: 'true',
        excludeLowercase: 'true',
      },
      'No password can be made if digits, punctuation, upper-case and lower-case letters are all excluded.',
    ],
    [
      {
        roleArn: 'arn:aws:iam::123456789012:role/r',
        permissionsBoundaryArn: 'arn:aws:iam::123456789012:policy/b',
      },
      'permissionsBoundaryArn is for the role that the stack makes. With roleArn the stack makes no role.',
    ],
    [
      { superuserSecretKmsKeyArn: `arn:aws:kms:${account}:key/k` },
      'superuserSecretKmsKeyArn needs superuserSecretArn or defaultAdminSecretArn, whose key it is.',
    ],
    [
      { alarmTopicArn: `arn:aws:sns:${account}:alarms` },
      'alarmTopicArn needs monitoring=true, without which nothing is sent to it.',
    ],
    [{ vpcEndpointVpcId: 'vpc-1a' }, 'vpcEndpointVpcId needs vpcSubnetIds, in which the endpoint is made.'],
    [
      { tracing: 'opentelemetry' },
      'tracing=opentelemetry and openTelemetryLayerArn go together; give both or none.',
    ],
    [
      {
        tracing: 'true',
        openTelemetryLayerArn: 'arn:aws:lambda:us-east-1:615299751070:layer:AWSOpenTelemetryDistroJs:5',
      },
      'tracing=opentelemetry and openTelemetryLayerArn go together; give both or none.',
    ],
    [
      { servedAccountIds: '123' },
      'servedAccountIds must be up to five ids of accounts, separated by commas and no spaces.',
    ],
    [{ rotationWindow: '2h' }, 'rotationWindow needs attachSecretArn, whose schedule it belongs to.'],
    [{ rotateImmediately: 'true' }, 'rotateImmediately=true needs attachSecretArn, the secret to rotate.'],
    [
      { revokePreviousEvery: 'rate(1 hour)' },
      'revokePreviousEvery needs attachSecretArn, the secret whose replaced token is revoked.',
    ],
    [
      { revokePreviousEvery: 'rate(1 hours)' },
      'revokePreviousEvery must be like rate(1 hour), rate(12 hours) or rate(1 day).',
    ],
    [
      { tokenRevocation: 'never' },
      'tokenRevocation must be on-next-rotation, at-once, or hours such as 24h.',
    ],
    [
      { functionName: 'a function' },
      'functionName must have 1 to 64 letters, digits, hyphens and underscores.',
    ],
    [
      { kmsKeyArn: `arn:aws:kms:${account}:alias/app` },
      'kmsKeyArn must be ARNs of KMS keys (not of aliases), separated by commas and no spaces.',
    ],
    [
      { logAndAlarmKmsKeyArn: 'alias/aws/sns' },
      'logAndAlarmKmsKeyArn must be the ARN of one KMS key (not of an alias).',
    ],
    [
      { rotationSchedule: 'rate(1 hours)' },
      'rotationSchedule must be like rate(30 days), rate(4 hours), which is the shortest, or cron(0 3 ? * SUN *).',
    ],
    [{ timeout: '901' }, 'timeout is out of bounds.'],
    [{ usernameCharacterLimit: '81' }, 'usernameCharacterLimit must be a number from 1 to 80, or empty.'],
    [{ passwordLength: '3' }, 'passwordLength is out of bounds.'],
    [{ defaultRotator: 'mars' }, 'defaultRotator is out of bounds.'],
  ];
  it.each(impossible)('are refused with a sentence: %o', (given, sentence) => {
    expect(refusals(template, given)).toContain(sentence);
  });

  it('are all there are: each rule refuses something', () => {
    const sentences = Object.values(template.Rules)
      .flatMap(({ Assertions }) => Assertions)
      .map(({ AssertDescription }) => AssertDescription);
    expect(new Set(impossible.map(([, sentence]) => sentence))).toEqual(
      expect.toSatisfy((refused: Set<string>) => sentences.every((sentence) => refused.has(sentence))),
    );
  });
});
