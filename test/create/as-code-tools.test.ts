import { execFile } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { SecretsManager } from '@aws-sdk/client-secrets-manager';
import { describe, expect, it } from 'vitest';
import { type CodeTool, secretAsCode } from '../../src/create/as-code.ts';
import { codeSamples } from '../../src/create/code-samples.ts';
import type { NewSecret } from '../../src/create/new-secret.ts';
import { plainRotation, start, temporaryFolder } from '../local/harness.ts';
import { noTerraform, startTerraform } from '../support/terraform.ts';
import { hostileTexts, rotationFunctionArn, secretShapes, valueMark } from './secret-shapes.ts';

const {
  KEYTURN_TEST_CDK: cdkModules,
  KEYTURN_TEST_AWS_CLI: awsCli,
  KEYTURN_TEST_CFN_LINT: cfnLint,
  KEYTURN_TEST_TERRAFORM_PROVIDER: terraformProvider,
} = process.env;
const run = promisify(execFile);
const account = '123456789012';
const testRegion = 'us-east-1';

function codeOf(secret: NewSecret, tool: CodeTool): string {
  const { code } = secretAsCode(secret)[tool];
  expect(code).not.toContain(valueMark);
  return code;
}

interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
}
interface Template {
  readonly Parameters: Readonly<Record<string, unknown>>;
  readonly Resources: Readonly<Record<string, Resource>>;
}

/** What a template makes, without the logical names of its resources. Each KMS key is named by its ARN. */
function meaningOf({ Parameters, Resources }: Template) {
  const types = new Map(Object.entries(Resources).map(([name, { Type }]) => [name, Type]));
  const resolve = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(resolve);
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value);
    const [[name, argument] = ['', undefined]] = entries;
    if (entries.length === 1 && name === 'Ref') return resolved(String(argument));
    if (entries.length === 1 && name === 'Fn::Join' && Array.isArray(argument) && Array.isArray(argument[1]))
      return argument[1].map(resolve).join(String(argument[0]));
    return Object.fromEntries(entries.map(([key, inner]) => [key, resolve(inner)]));
  };
  const resolved = (name: string): unknown => {
    const pseudo = { 'AWS::Partition': 'aws', 'AWS::Region': testRegion, 'AWS::AccountId': account };
    const found = Object.entries(pseudo).find(([key]) => key === name)?.[1];
    return found ?? { Ref: types.get(name) ?? name };
  };
  const resources = Object.values(Resources).map((resource) => {
    const { Tags, KmsKeyId, ReplicaRegions, ...others } = Object(resolve(resource.Properties));
    return {
      ...resource,
      Properties: {
        ...others,
        ...(Tags === undefined ? {} : { Tags: new Set(Tags) }),
        ...(KmsKeyId === undefined ? {} : { KmsKeyId: keyArn(KmsKeyId, testRegion) }),
        ...(ReplicaRegions === undefined
          ? {}
          : {
              ReplicaRegions: ReplicaRegions.map((replica: { Region: string; KmsKeyId?: string }) => ({
                ...replica,
                ...(replica.KmsKeyId === undefined
                  ? {}
                  : { KmsKeyId: keyArn(replica.KmsKeyId, replica.Region) }),
              })),
            }),
      },
    };
  });
  return {
    value: Parameters.SecretValue,
    resources: resources.sort((one, other) => one.Type.localeCompare(other.Type)),
  };
}

function keyArn(id: string, region: string): string {
  if (id.startsWith('arn:')) return id;
  return `arn:aws:kms:${region}:${account}:${id.startsWith('alias/') ? id : `key/${id}`}`;
}

const synthesize = `
const { App } = require('aws-cdk-lib');
const count = Number(process.argv[2]);
const templates = [];
for (let number = 0; number < count; number += 1) {
  const { SecretStack } = require('./stack' + number + '.js');
  const app = new App({ analyticsReporting: false });
  new SecretStack(app, 'Stack', { analyticsReporting: false });
  const { Parameters, Resources } = app.synth().getStackByName('Stack').template;
  templates.push({ Parameters, Resources });
}
process.stdout.write(JSON.stringify(templates));
`;

/** Compiles each secret's CDK code in the strictest mode, and synthesises a template. */
async function synthesizeAll(modules: string, secrets: readonly NewSecret[]): Promise<readonly Template[]> {
  const folder = await temporaryFolder();
  await symlink(modules, join(folder, 'node_modules'));
  await writeFile(join(folder, 'package.json'), '{"type":"commonjs"}');
  const compilerOptions = {
    target: 'es2022',
    module: 'nodenext',
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noUnusedLocals: true,
    noUnusedParameters: true,
    skipLibCheck: true,
    types: [],
  };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
  for (const [number, secret] of secrets.entries())
    await writeFile(join(folder, `stack${number}.ts`), codeOf(secret, 'cdk'));
  await run('node_modules/.bin/tsc', ['-p', folder], { maxBuffer: 1e8 }).catch((error: unknown) => {
    throw new Error(`The text for the CDK does not compile: ${Reflect.get(Object(error), 'stdout')}`);
  });
  await writeFile(join(folder, 'synthesize.js'), synthesize);
  const { stdout } = await run('node', [join(folder, 'synthesize.js'), String(secrets.length)], {
    cwd: folder,
    env: { ...process.env, CDK_OUTDIR: join(folder, 'out') },
    maxBuffer: 1e8,
  });
  return JSON.parse(stdout);
}

/** Expects that Secrets Manager has what should be stored. Some tools normalize texts. */
async function expectStored(client: SecretsManager, secret: NewSecret): Promise<void> {
  const { name: SecretId, value, rotation } = secret;
  const [described, policy, current] = await Promise.all([
    client.describeSecret({ SecretId }),
    client.getResourcePolicy({ SecretId }),
    client.getSecretValue({ SecretId, ...(rotation?.immediately ? { VersionStage: 'AWSPREVIOUS' } : {}) }),
  ]);
  const byKey = (one: object, other: object): number =>
    JSON.stringify(one) < JSON.stringify(other) ? -1 : 1;
  const found = {
    name: described.Name,
    description: described.Description ?? '',
    kmsKeyId: described.KmsKeyId,
    tags: (described.Tags ?? []).map(({ Key, Value }) => ({ Key, Value })).sort(byKey),
    replicas: (described.ReplicationStatus ?? [])
      .map(({ Region, KmsKeyId }) => ({ Region, KmsKeyId: KmsKeyId ?? 'alias/aws/secretsmanager' }))
      .sort(byKey),
    policy: policy.ResourcePolicy === undefined ? undefined : JSON.parse(policy.ResourcePolicy),
    functionArn: described.RotationLambdaARN,
    rules: described.RotationRules && {
      ScheduleExpression: described.RotationRules.ScheduleExpression,
      Duration: described.RotationRules.Duration,
    },
    value: current.SecretString,
  };
  const wanted = {
    name: secret.name,
    description: secret.description ?? '',
    kmsKeyId: secret.kmsKeyId,
    tags: [...secret.tags].map(([Key, Value]) => ({ Key, Value })).sort(byKey),
    replicas: secret.replicas
      .map(({ region, kmsKeyId = 'alias/aws/secretsmanager' }) => ({ Region: region, KmsKeyId: kmsKeyId }))
      .sort(byKey),
    policy: secret.resourcePolicy === undefined ? undefined : JSON.parse(secret.resourcePolicy),
    functionArn: rotation?.functionArn,
    rules: rotation && {
      ScheduleExpression: rotation.schedule.expression,
      Duration: rotation.schedule.duration,
    },
    value,
  };
  expect(found).toEqual(wanted);
}

const plainSecret: NewSecret = {
  name: 'plain',
  value: valueMark,
  description: undefined,
  kmsKeyId: undefined,
  tags: new Map(),
  resourcePolicy: undefined,
  replicas: [],
  rotation: undefined,
};

async function startWithFunction() {
  const { local, client } = await start();
  expect(local.registerFunction('rotate', plainRotation(client))).toBe(rotationFunctionArn);
  return { local, client };
}

describe('a secret as code, by the tool that it is for', () => {
  it('compiles for the CDK, and makes what the text for CloudFormation makes', { timeout: 120_000 }, async ({
    skip,
  }) => {
    if (cdkModules === undefined) return skip('KEYTURN_TEST_CDK names no node_modules with aws-cdk-lib.');
    const secrets = secretShapes(150);
    const templates = await synthesizeAll(cdkModules, secrets);
    expect(templates).toHaveLength(secrets.length);
    for (const [number, secret] of secrets.entries()) {
      const template: Template = JSON.parse(codeOf(secret, 'cloudformation'));
      const made = templates[number];
      expect(made && meaningOf(made)).toEqual(meaningOf(template));
    }
  });

  it('is a template that cfn-lint has nothing to say about', { timeout: 120_000 }, async ({ skip }) => {
    if (cfnLint === undefined) return skip('KEYTURN_TEST_CFN_LINT names no program cfn-lint.');
    const folder = await temporaryFolder();
    const files: string[] = [];
    for (const secret of secretShapes(40)) {
      const file = join(folder, `${files.length}.json`);
      await writeFile(file, codeOf(secret, 'cloudformation'));
      files.push(file);
    }
    // cfn-lint reports a text with `${` as a mistake, but here it is right.
    const options = ['--format', 'parseable', '--ignore-checks', 'E1029'];
    const { stdout } = await run(cfnLint, [...options, '--', ...files]).catch((error: unknown) => ({
      stdout: String(Reflect.get(Object(error), 'stdout')),
    }));
    expect(stdout).toBe('');
  });

  it('is read by a shell and run by the AWS CLI', { timeout: 240_000 }, async ({ skip }) => {
    if (awsCli === undefined) return skip('KEYTURN_TEST_AWS_CLI names no program aws.');
    const { local, client } = await startWithFunction();
    const folder = await temporaryFolder();
    const environment = {
      PATH: `${join(awsCli, '..')}:${process.env.PATH}`,
      HOME: folder,
      LANG: 'C.UTF-8',
      AWS_ENDPOINT_URL: local.url,
      AWS_DEFAULT_REGION: testRegion,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_PAGER: '',
    };
    const texts = hostileTexts.filter((text) => /^(-|file|http|@|it's|two|tab|escape|\{)/.test(text));
    const secrets = [
      ...secretShapes(3),
      ...texts.map((description, number) => ({ ...plainSecret, name: `text${number}`, description })),
    ];
    for (const [number, secret] of secrets.entries()) {
      const cwd = join(folder, String(number));
      await mkdir(cwd);
      await writeFile(join(cwd, 'value.txt'), secret.value);
      // As if it was pasted: an interactive shell expands `!` too, and reads its input line by line.
      await writeFile(
        join(cwd, 'typed'),
        `set -e -o history -o histexpand\necho before\n${codeOf(secret, 'cli')}`,
      );
      await run('bash', ['-c', 'exec bash --norc -s < typed'], { cwd, env: environment });
      await local.rotationsSettled();
      await expectStored(client, secret);
    }
    for (const name of ['-n', '=ls', 'rds!cluster-1']) {
      await client.createSecret({ Name: name, SecretString: `value of ${name}` });
      await writeFile(
        join(folder, 'typed'),
        `set -o history -o histexpand\necho before\n${codeSamples(name, testRegion).cli.code}`,
      );
      const { stdout } = await run('bash', ['-c', 'exec bash --norc -s < typed'], {
        cwd: folder,
        env: environment,
      });
      expect(stdout).toBe(`before\nvalue of ${name}\n`);
    }
  });

  it('is applied by Terraform', { timeout: 240_000 }, async ({ skip }) => {
    if (terraformProvider === undefined) return skip(noTerraform);
    const { local, client } = await startWithFunction();
    const terraform = await startTerraform(terraformProvider, local.url);
    try {
      const secrets = secretShapes(12).map(normalized);
      const { apply, differs, addModule } = await terraform.workspace('as-code');
      const modules: Record<string, object> = {};
      for (const [number, secret] of secrets.entries()) {
        const source = await addModule(`secret${number}`, codeOf(secret, 'terraform'));
        // In JSON, Terraform reads the text after `${` as an expression.
        const value = secret.value.replaceAll('${', () => '$${').replaceAll('%{', '%%{');
        modules[`secret${number}`] = { source, secret_value: value };
      }
      await apply({ module: modules });
      await local.rotationsSettled();
      for (const secret of secrets) await expectStored(client, secret);
      expect(await differs()).toBe(false);
    } finally {
      await terraform.stop();
    }
  });
});

/** Terraform's texts are in Unicode's normalization form C. @see https://developer.hashicorp.com/terraform/language/expressions/strings */
function normalized(secret: NewSecret): NewSecret {
  const { description, tags, resourcePolicy, value } = secret;
  return {
    ...secret,
    value: value.normalize(),
    description: description?.normalize(),
    tags: new Map([...tags].map(([key, text]) => [key.normalize(), text.normalize()])),
    resourcePolicy: resourcePolicy?.normalize(),
  };
}
