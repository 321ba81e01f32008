import type { NewSecret } from './new-secret.ts';

/** The same secret, as other tools make it. */
export interface SecretAsCode {
  readonly title: string;
  /** What it needs besides, such as the file with the value. */
  readonly note: string;
  readonly code: string;
}

/** What {@link secretAsCode} makes. */
export type CodeTool = 'cli' | 'cloudformation' | 'cdk' | 'terraform';

/**
 * What would store the same secret by other means. The value is in none of them: each says where it comes from.
 *
 * @see https://docs.aws.amazon.com/cli/latest/reference/secretsmanager/create-secret.html
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-secretsmanager-secret.html
 * @see https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/secretsmanager_secret
 */
export function secretAsCode(secret: Omit<NewSecret, 'value'>): Readonly<Record<CodeTool, SecretAsCode>> {
  return {
    cli: { title: 'AWS CLI', note: 'The value is read from the file value.txt.', code: cli(secret) },
    cloudformation: {
      title: 'CloudFormation',
      note: 'The value is a parameter that CloudFormation does not show.',
      code: `${JSON.stringify(cloudFormation(secret), undefined, 2)}\n`,
    },
    cdk: {
      title: 'CDK',
      note: 'The value is a parameter that CloudFormation does not show.',
      code: cdk(secret),
    },
    terraform: {
      title: 'Terraform',
      note: 'The value is an ephemeral variable, which is in no state file. It needs Terraform 1.11.',
      code: terraform(secret),
    },
  };
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
  const create = [
    'aws secretsmanager create-secret',
    `--name ${shell(name)}`,
    '--secret-string file://value.txt',
    ...(description === undefined ? [] : [`--description ${shell(description)}`]),
    ...(kmsKeyId === undefined ? [] : [`--kms-key-id ${shell(kmsKeyId)}`]),
    ...(tags.size === 0 ? [] : [`--tags ${shell(JSON.stringify(pairs(tags)))}`]),
    ...(replicas.length === 0 ? [] : [`--add-replica-regions ${shell(JSON.stringify(regions(replicas)))}`]),
  ];
  const commands = [create];
  if (resourcePolicy !== undefined) {
    commands.push([
      'aws secretsmanager put-resource-policy',
      `--secret-id ${shell(name)}`,
      `--resource-policy ${shell(resourcePolicy)}`,
      '--block-public-policy',
    ]);
  }
  if (rotation !== undefined) {
    commands.push([
      'aws secretsmanager rotate-secret',
      `--secret-id ${shell(name)}`,
      `--rotation-lambda-arn ${shell(rotation.functionArn)}`,
      `--rotation-rules ${shell(JSON.stringify(rules(rotation)))}`,
      rotation.immediately ? '--rotate-immediately' : '--no-rotate-immediately',
    ]);
  }
  return `${commands.map((parts) => parts.join(' \\\n  ')).join('\n')}\n`;
}

/** One argument for a POSIX shell. */
function shell(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
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
  const isLow = replicas.length > 0 || resourcePolicy !== undefined || rotation !== undefined;
  const imports = ['CfnParameter', 'SecretValue', 'Stack', ...(tags.size === 0 ? [] : ['Tags'])];
  const keys = [kmsKeyId, ...replicas.map((replica) => replica.kmsKeyId)].some((key) => key !== undefined);
  let keyCount = 0;
  const key = (id: string): string => {
    keyCount += 1;
    const own = text(`Key${keyCount}`);
    if (id.startsWith('alias/')) return `Alias.fromAliasName(this, ${own}, ${text(id)})`;
    const arn = id.startsWith('arn:')
      ? text(id)
      : `this.formatArn({ service: 'kms', resource: 'key', resourceName: ${text(id)} })`;
    return `Key.fromKeyArn(this, ${own}, ${arn})`;
  };
  const lines = [
    `import { ${imports.join(', ')} } from 'aws-cdk-lib';`,
    ...(keys ? ["import { Alias, Key } from 'aws-cdk-lib/aws-kms';"] : []),
    `import { ${['Secret', ...(isLow && resourcePolicy !== undefined ? ['CfnResourcePolicy'] : []), ...(rotation === undefined ? [] : ['CfnRotationSchedule'])].sort().join(', ')} } from 'aws-cdk-lib/aws-secretsmanager';`,
    '',
    'export class SecretStack extends Stack {',
    '  constructor(...args: ConstructorParameters<typeof Stack>) {',
    '    super(...args);',
    "    const value = new CfnParameter(this, 'SecretValue', { noEcho: true });",
    "    const secret = new Secret(this, 'Secret', {",
    `      secretName: ${text(name)},`,
    '      secretStringValue: SecretValue.cfnParameter(value),',
    ...(description === undefined ? [] : [`      description: ${text(description)},`]),
    ...(kmsKeyId === undefined ? [] : [`      encryptionKey: ${key(kmsKeyId)},`]),
    ...(replicas.length === 0
      ? []
      : [
          '      replicaRegions: [',
          ...replicas.map(
            (replica) =>
              `        { region: ${text(replica.region)}${replica.kmsKeyId === undefined ? '' : `, encryptionKey: ${key(replica.kmsKeyId)}`} },`,
          ),
          '      ],',
        ]),
    '    });',
    ...[...tags].map(([name_, value]) => `    Tags.of(secret).add(${text(name_)}, ${text(value)});`),
    ...(resourcePolicy === undefined
      ? []
      : [
          "    new CfnResourcePolicy(this, 'Policy', {",
          '      secretId: secret.secretArn,',
          '      blockPublicPolicy: true,',
          `      resourcePolicy: ${resourcePolicy},`,
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
