import { awsCommand, escapedJson } from './aws-cli.ts';
import type { NewSecret } from './new-secret.ts';

/** The same secret, as other tools make it. */
export interface SecretAsCode {
  readonly title: string;
  /** What it needs, such as the file with the value. */
  readonly note: string;
  readonly code: string;
}

/** The tools that {@link secretAsCode} makes code for. */
export type CodeTool = 'cli' | 'cloudformation' | 'cdk' | 'terraform';

/**
 * Makes code for other tools that stores the same secret. The value is not in the code: each note says where it comes from.
 *
 * @see https://docs.aws.amazon.com/cli/latest/reference/secretsmanager/create-secret.html
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-secretsmanager-secret.html
 * @see https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/secretsmanager_secret
 */
export function secretAsCode(secret: Omit<NewSecret, 'value'>): Readonly<Record<CodeTool, SecretAsCode>> {
  return {
    cli: {
      title: 'AWS CLI',
      note: 'For a POSIX shell. The value is read from the file value.txt. A line break at its end would be part of it.',
      code: cli(secret),
    },
    cloudformation: {
      title: 'CloudFormation',
      note: parameterNote(secret),
      code: `${escapedJson(cloudFormation(secret), 2)}\n`,
    },
    cdk: { title: 'CDK', note: parameterNote(secret), code: cdk(secret) },
    terraform: {
      title: 'Terraform',
      note: 'The value is an ephemeral variable, which is in no state file. It needs Terraform 1.11.',
      code: terraform(secret),
    },
  };
}

/** @see https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html */
function parameterNote({ description = '', tags }: Omit<NewSecret, 'value'>): string {
  const note = 'The value is a parameter that CloudFormation does not show. It can have up to 4,096 bytes.';
  // CloudFormation has no escape for it.
  // https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
  const resolved = [description, ...tags.keys(), ...tags.values()].some((text) =>
    text.includes('{{resolve:'),
  );
  if (!resolved) return note;
  return `${note} CloudFormation replaces {{resolve:...}} in the description and the tags.`;
}

function cli({
  name,
  description,
  kmsKeyId,
  tags,
  replicas,
  resourcePolicy,
  rotation,
}: Omit<NewSecret, 'value'>) {
  const lines = [
    awsCommand('create-secret --secret-string file://value.txt', [
      ['name', 'Name', name],
      ['description', 'Description', description],
      ['kms-key-id', 'KmsKeyId', kmsKeyId],
      ['tags', 'Tags', tags.size === 0 ? undefined : pairs(tags)],
      ['add-replica-regions', 'AddReplicaRegions', replicas.length === 0 ? undefined : regions(replicas)],
    ]),
  ];
  if (resourcePolicy !== undefined) {
    lines.push(
      awsCommand('put-resource-policy', [
        ['secret-id', 'SecretId', name],
        ['resource-policy', 'ResourcePolicy', resourcePolicy],
        ['block-public-policy', 'BlockPublicPolicy', true],
      ]),
    );
  }
  if (rotation !== undefined) {
    lines.push(
      awsCommand('rotate-secret', [
        ['secret-id', 'SecretId', name],
        ['rotation-lambda-arn', 'RotationLambdaARN', rotation.functionArn],
        ['rotation-rules', 'RotationRules', rules(rotation)],
        ['rotate-immediately', 'RotateImmediately', rotation.immediately],
      ]),
    );
  }
  return `${lines.join('\n')}\n`;
}

function cloudFormation({
  name,
  description,
  kmsKeyId,
  tags,
  replicas,
  resourcePolicy,
  rotation,
}: Omit<NewSecret, 'value'>): object {
  return {
    AWSTemplateFormatVersion: '2010-09-09',
    Parameters: { SecretValue: { Type: 'String', NoEcho: true } },
    Resources: {
      Secret: {
        Type: 'AWS::SecretsManager::Secret',
        DeletionPolicy: 'Retain',
        UpdateReplacePolicy: 'Retain',
        Properties: {
          Name: name,
          SecretString: { Ref: 'SecretValue' },
          ...(description === undefined ? {} : { Description: description }),
          ...(kmsKeyId === undefined ? {} : { KmsKeyId: kmsKeyId }),
          ...(tags.size === 0 ? {} : { Tags: pairs(tags) }),
          ...(replicas.length === 0 ? {} : { ReplicaRegions: regions(replicas) }),
        },
      },
      ...(resourcePolicy === undefined
        ? {}
        : {
            Policy: {
              Type: 'AWS::SecretsManager::ResourcePolicy',
              Properties: {
                SecretId: { Ref: 'Secret' },
                ResourcePolicy: JSON.parse(resourcePolicy),
                BlockPublicPolicy: true,
              },
            },
          }),
      ...(rotation === undefined
        ? {}
        : {
            Rotation: {
              Type: 'AWS::SecretsManager::RotationSchedule',
              Properties: {
                SecretId: { Ref: 'Secret' },
                RotationLambdaARN: rotation.functionArn,
                RotationRules: rules(rotation),
                RotateImmediatelyOnUpdate: rotation.immediately,
              },
            },
          }),
    },
  };
}

function cdk({
  name,
  description,
  kmsKeyId,
  tags,
  replicas,
  resourcePolicy,
  rotation,
}: Omit<NewSecret, 'value'>) {
  const text = (value: string): string => JSON.stringify(value);
  let keyCount = 0;
  /** Names a key by its whole ARN, because the key of a replica is in the replica's region. */
  const key = (id: string, region?: string): string => {
    keyCount += 1;
    const [resource, resourceName] = id.startsWith('alias/')
      ? ['alias', id.slice('alias/'.length)]
      : ['key', id];
    const arn = id.startsWith('arn:')
      ? text(id)
      : `this.formatArn({ service: 'kms', ${region === undefined ? '' : `region: ${text(region)}, `}resource: '${resource}', resourceName: ${text(resourceName)} })`;
    return `Key.fromKeyArn(this, 'Key${keyCount}', ${arn})`;
  };
  const properties = [
    `secretName: ${text(name)},`,
    'secretStringValue: SecretValue.cfnParameter(value),',
    ...(description === undefined ? [] : [`description: ${text(description)},`]),
    ...(kmsKeyId === undefined ? [] : [`encryptionKey: ${key(kmsKeyId)},`]),
    ...(replicas.length === 0
      ? []
      : [
          'replicaRegions: [',
          ...replicas.map(({ region, kmsKeyId: id }) =>
            id === undefined
              ? `  { region: ${text(region)} },`
              : `  { region: ${text(region)}, encryptionKey: ${key(id, region)} },`,
          ),
          '],',
        ]),
    'removalPolicy: RemovalPolicy.RETAIN,',
  ];
  const core = ['CfnParameter', 'RemovalPolicy', 'SecretValue', 'Stack', 'type StackProps'];
  if (tags.size > 0) core.push('Tags');
  const isNamed = tags.size > 0 || resourcePolicy !== undefined || rotation !== undefined;
  const own = ['Secret'];
  if (rotation !== undefined) own.unshift('CfnRotationSchedule');
  if (resourcePolicy !== undefined) own.unshift('CfnResourcePolicy');
  const lines = [
    `import { ${core.join(', ')} } from 'aws-cdk-lib';`,
    ...(keyCount > 0 ? ["import { Key } from 'aws-cdk-lib/aws-kms';"] : []),
    `import { ${own.join(', ')} } from 'aws-cdk-lib/aws-secretsmanager';`,
    "import type { Construct } from 'constructs';",
    '',
    'export class SecretStack extends Stack {',
    '  constructor(scope: Construct, id: string, props?: StackProps) {',
    '    super(scope, id, props);',
    "    const value = new CfnParameter(this, 'SecretValue', { noEcho: true });",
    `    ${isNamed ? 'const secret = ' : ''}new Secret(this, 'Secret', {`,
    ...properties.map((line) => `      ${line}`),
    '    });',
    ...[...tags].map(([tag, value]) => `    Tags.of(secret).add(${text(tag)}, ${text(value)});`),
    ...(resourcePolicy === undefined
      ? []
      : [
          "    new CfnResourcePolicy(this, 'Policy', {",
          '      secretId: secret.secretArn,',
          `      resourcePolicy: ${resourcePolicy},`,
          '      blockPublicPolicy: true,',
          '    });',
        ]),
    ...(rotation === undefined
      ? []
      : [
          "    new CfnRotationSchedule(this, 'Rotation', {",
          '      secretId: secret.secretArn,',
          `      rotationLambdaArn: ${text(rotation.functionArn)},`,
          `      rotationRules: { scheduleExpression: ${text(rotation.schedule.expression)}${rotation.schedule.duration === undefined ? '' : `, duration: ${text(rotation.schedule.duration)}`} },`,
          `      rotateImmediatelyOnUpdate: ${rotation.immediately},`,
          '    });',
        ]),
    '  }',
    '}',
  ];
  return `${lines.join('\n')}\n`;
}

function terraform({
  name,
  description,
  kmsKeyId,
  tags,
  replicas,
  resourcePolicy,
  rotation,
}: Omit<NewSecret, 'value'>): string {
  const lines = [
    'variable "secret_value" {',
    '  type      = string',
    '  sensitive = true',
    '  ephemeral = true',
    '}',
    '',
    'resource "aws_secretsmanager_secret" "this" {',
    `  name = ${hcl(name)}`,
    ...(description === undefined ? [] : [`  description = ${hcl(description)}`]),
    ...(kmsKeyId === undefined ? [] : [`  kms_key_id = ${hcl(kmsKeyId)}`]),
    ...(tags.size === 0
      ? []
      : ['  tags = {', ...[...tags].map(([key, value]) => `    ${hcl(key)} = ${hcl(value)}`), '  }']),
    ...replicas.flatMap(({ region, kmsKeyId: key }) => [
      '  replica {',
      `    region = ${hcl(region)}`,
      ...(key === undefined ? [] : [`    kms_key_id = ${hcl(key)}`]),
      '  }',
    ]),
    '}',
    '',
    'resource "aws_secretsmanager_secret_version" "this" {',
    '  secret_id                = aws_secretsmanager_secret.this.id',
    '  secret_string_wo         = var.secret_value',
    '  secret_string_wo_version = 1',
    '}',
    ...(resourcePolicy === undefined
      ? []
      : [
          '',
          'resource "aws_secretsmanager_secret_policy" "this" {',
          '  secret_arn          = aws_secretsmanager_secret.this.arn',
          `  policy              = ${hcl(resourcePolicy)}`,
          '  block_public_policy = true',
          '}',
        ]),
    ...(rotation === undefined
      ? []
      : [
          '',
          'resource "aws_secretsmanager_secret_rotation" "this" {',
          '  secret_id           = aws_secretsmanager_secret_version.this.secret_id',
          `  rotation_lambda_arn = ${hcl(rotation.functionArn)}`,
          `  rotate_immediately  = ${rotation.immediately}`,
          '  rotation_rules {',
          `    schedule_expression = ${hcl(rotation.schedule.expression)}`,
          ...(rotation.schedule.duration === undefined
            ? []
            : [`    duration            = ${hcl(rotation.schedule.duration)}`]),
          '  }',
          '}',
        ]),
  ];
  return `${lines.join('\n')}\n`;
}

/** A quoted string of HCL, in which nothing is a template. @see https://developer.hashicorp.com/terraform/language/expressions/strings */
function hcl(text: string): string {
  const escaped = text.replaceAll(/["\\\p{Cc}]/gu, (char) =>
    char === '"' || char === '\\'
      ? `\\${char}`
      : `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );
  return `"${escaped.replaceAll('${', () => '$${').replaceAll('%{', '%%{')}"`;
}

function pairs(tags: ReadonlyMap<string, string>): readonly { Key: string; Value: string }[] {
  return [...tags].map(([Key, Value]) => ({ Key, Value }));
}

function regions(replicas: NewSecret['replicas']): readonly object[] {
  return replicas.map(({ region, kmsKeyId }) => ({
    Region: region,
    ...(kmsKeyId === undefined ? {} : { KmsKeyId: kmsKeyId }),
  }));
}

function rules({ schedule }: NonNullable<NewSecret['rotation']>): object {
  return {
    ScheduleExpression: schedule.expression,
    ...(schedule.duration === undefined ? {} : { Duration: schedule.duration }),
  };
}
