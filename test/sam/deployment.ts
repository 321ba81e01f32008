import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../examples/sam/program.ts';
import type { ParameterValues } from '../support/template-conditions.ts';
import { startMoto } from './moto.ts';

/** A statement of a policy. */
export interface Statement {
  readonly Sid?: string;
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: object;
}

/** A rule of EventBridge: for events, or by a schedule. */
export interface DeployedRule {
  readonly Arn: string;
  readonly EventPattern: object | null;
  readonly ScheduleExpression?: string;
  readonly Targets: readonly object[];
}

/** What a stack has become, as the services tell it; see read_back.py. */
export interface Deployed {
  readonly function: {
    readonly FunctionArn: string;
    readonly Role: string;
    readonly VpcConfig?: {
      readonly SubnetIds: readonly string[];
      readonly SecurityGroupIds: readonly string[];
    };
    readonly Environment: { readonly Variables: Readonly<Record<string, string | number>> };
  };
  readonly permission: readonly (Statement & { readonly Principal: object })[];
  readonly role: {
    readonly PermissionsBoundary?: { readonly PermissionsBoundaryArn: string };
    readonly Statements: readonly Statement[];
  };
  readonly logGroups: readonly { readonly logGroupName: string; readonly retentionInDays: number }[];
  readonly alarms: readonly { readonly AlarmName: string; readonly AlarmActions: readonly string[] }[];
  readonly rules: readonly DeployedRule[];
  readonly topicPolicies: readonly { readonly Statement: readonly Statement[] }[];
  readonly dashboards: readonly string[];
  readonly outputs: Readonly<Record<string, string>>;
}

/** An account at moto to which the template can be deployed. */
export interface TestAccount {
  /** What AWS's transform makes of the template for a stack with these parameters: a file of JSON. */
  transform(stack: string, parameters: ParameterValues): Promise<string>;
  /** Deploys what was transformed; the function is named as its stack. */
  deploy(stack: string, template: string, parameters: ParameterValues): Promise<Deployed>;
  close(): Promise<void>;
}

/** Builds the template and packages the build at moto. @param secretsManagerUrl where rotation schedules are made */
export async function openTestAccount(secretsManagerUrl: string): Promise<TestAccount> {
  const [folder, moto] = await Promise.all([
    mkdtemp(join(tmpdir(), 'keyturn-sam-')),
    startMoto(secretsManagerUrl),
  ]);
  const { bucket, env } = moto;
  const close = async (): Promise<void> => {
    moto.stop();
    await rm(folder, { recursive: true });
  };
  const [build, packaged] = [join(folder, 'build'), join(folder, 'packaged.yaml')];
  try {
    await run('sam', ['build', '--build-dir', build]);
    const source = ['--template-file', join(build, 'template.yaml'), '--output-template-file', packaged];
    await run('sam', ['package', ...source, '--s3-bucket', bucket], { env });
  } catch (error) {
    await close();
    throw error;
  }
  return {
    close,
    async transform(stack, parameters) {
      const [given, template] = [join(folder, `${stack}.parameters.json`), join(folder, `${stack}.json`)];
      await writeFile(given, JSON.stringify(parameters));
      const { stdout } = await run('python', ['test/sam/transform.py', packaged, given]);
      await writeFile(template, stdout);
      return template;
    },
    async deploy(stack, template, parameters) {
      const overrides = Object.entries(parameters).map(
        ([name, value]) => `ParameterKey=${name},ParameterValue='${value}'`,
      );
      const from = ['--template-file', template, '--s3-bucket', bucket, '--no-resolve-s3'];
      const given = ['--stack-name', stack, '--parameter-overrides', overrides.join(' ')];
      await run('sam', ['deploy', ...from, ...given, '--no-confirm-changeset', '--no-progressbar'], { env });
      const { stdout } = await run('python', ['test/sam/read_back.py', stack, stack], { env });
      const deployed: Deployed = JSON.parse(stdout);
      return deployed;
    },
  };
}
