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

/** What a stack has made, read from the services by read_back.py. */
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
  /** The types of all that the stack has made. */
  readonly types: readonly string[];
  readonly outputs: Readonly<Record<string, string>>;
}

/** An account at moto to which the template can be deployed. */
export interface TestAccount {
  /** Deploys the template once for each of these sets of parameters. */
  deploy(stacks: readonly Stack[]): Promise<Readonly<Record<string, Deployment>>>;
  close(): Promise<void>;
}

/** A stack to be made. Its function has the same name. */
export interface Stack {
  readonly name: string;
  readonly parameters: ParameterValues;
}

/** A stack that was made. */
export interface Deployment extends Deployed {
  /** What cfn-lint says of the template after AWS's transform; empty for nothing. */
  readonly lint: string;
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
    // Each Python program takes all stacks at once: to start it costs more than what it does.
    async deploy(stacks) {
      const fileOf = ({ name }: Stack, extension: string): string => join(folder, `${name}${extension}`);
      for (const stack of stacks)
        await writeFile(fileOf(stack, '.parameters.json'), JSON.stringify(stack.parameters));
      await run('python', [
        'test/sam/transform.py',
        packaged,
        ...stacks.map((stack) => fileOf(stack, '.parameters.json')),
      ]);
      const lint = await lintAll(stacks.map((stack) => fileOf(stack, '.json')));
      for (const stack of stacks) {
        const overrides = Object.entries(stack.parameters).map(
          ([name, value]) => `ParameterKey=${name},ParameterValue='${value}'`,
        );
        const from = ['--template-file', fileOf(stack, '.json'), '--s3-bucket', bucket, '--no-resolve-s3'];
        const given = ['--stack-name', stack.name, '--parameter-overrides', overrides.join(' ')];
        await run('sam', ['deploy', ...from, ...given, '--no-confirm-changeset', '--no-progressbar'], {
          env,
        });
      }
      const names = stacks.map(({ name }) => name);
      const { stdout } = await run('python', ['test/sam/read_back.py', ...names], { env });
      const deployed: Readonly<Record<string, Deployed>> = JSON.parse(stdout);
      return Object.fromEntries(
        stacks.map((stack) => {
          const of = deployed[stack.name];
          if (of === undefined) throw new Error(`${stack.name} was not read back.`);
          const said = lint.filter((line) => line.startsWith(`${fileOf(stack, '.json')}:`));
          return [stack.name, { ...of, lint: said.join('\n') }];
        }),
      );
    },
  };
}

/** @returns cfn-lint's lines on these templates, each of which begins with the template's name */
async function lintAll(templates: readonly string[]): Promise<string[]> {
  const args = ['--format', 'parseable', '--', ...templates];
  const stdout = await run('cfn-lint', args).then(
    (output) => output.stdout,
    (error: unknown) => {
      const said = Reflect.get(Object(error), 'stdout');
      if (typeof said !== 'string' || said === '') throw error;
      return said;
    },
  );
  return stdout.split('\n');
}
