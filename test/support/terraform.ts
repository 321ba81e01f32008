import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';

/** Why Terraform's tests are skipped. */
export const noTerraform =
  'KEYTURN_TEST_TERRAFORM_PROVIDER names no program terraform-provider-aws, for the terraform on the PATH.';

/** The real Terraform. All commands share one process of AWS's provider, because starting one takes long. */
export interface Terraform {
  /** Makes a folder with its own state. */
  workspace(name: string): Promise<Workspace>;
  stop(): Promise<void>;
}

/** A configuration in Terraform's JSON syntax: resources by type and name, and more. */
export type TerraformConfiguration = Readonly<Record<string, unknown>>;

/** A folder with a configuration, and the state of what Terraform has made. */
export interface Workspace {
  /** Applies a configuration. @returns what Terraform printed @throws Error with the same if it failed */
  apply(configuration: TerraformConfiguration): Promise<string>;
  /** Whether the resources differ from the configuration that was applied last. */
  differs(): Promise<boolean>;
  destroy(): Promise<void>;
  /** Writes a module in Terraform's own language. @returns its `source` for a configuration */
  addModule(name: string, code: string): Promise<string>;
}

/**
 * Starts the provider.
 *
 * @param provider the program terraform-provider-aws
 * @param endpoint the URL of the Secrets Manager that it uses
 */
export async function startTerraform(provider: string, endpoint: string): Promise<Terraform> {
  const folder = await mkdtemp(join(tmpdir(), 'keyturn-terraform-'));
  const { PATH = '' } = process.env;
  // By default, the provider's garbage collector takes a third of the time. There is enough memory to run it less often.
  const env = { PATH, HOME: folder, TMPDIR: folder, GOGC: '800' };
  const child = spawn(provider, ['-debug'], {
    env: { ...env, TF_LOG: 'OFF' },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.kill('SIGKILL')) await once(child, 'exit');
    await rm(folder, { recursive: true, force: true });
  };
  const attach = await reattachment(child, child.stdout).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  const settings = {
    terraform: { required_providers: { aws: { source: 'hashicorp/aws' } } },
    provider: {
      aws: {
        region: 'us-east-1',
        access_key: 'test',
        secret_key: 'test',
        skip_credentials_validation: true,
        skip_metadata_api_check: true,
        skip_requesting_account_id: true,
        endpoints: [{ secretsmanager: endpoint }],
      },
    },
  };
  return {
    stop,
    workspace: async (name) => {
      const cwd = join(folder, name);
      await mkdir(cwd);
      const run = (...args: string[]) =>
        runTerraform(args, cwd, { ...env, TF_REATTACH_PROVIDERS: attach, CHECKPOINT_DISABLE: '1' });
      const write = (file: string, content: object) => writeFile(join(cwd, file), JSON.stringify(content));
      await write('settings.tf.json', settings);
      return {
        apply: async (configuration) => {
          await write('main.tf.json', configuration);
          if (configuration.module !== undefined) await run('get');
          return (await run('apply', '-auto-approve')).output;
        },
        differs: async () => (await run('plan', '-detailed-exitcode')).code === 2,
        destroy: async () => void (await run('destroy', '-auto-approve')),
        addModule: async (module, code) => {
          await mkdir(join(cwd, module));
          await writeFile(join(cwd, module, 'main.tf'), code);
          return `./${module}`;
        },
      };
    },
  };
}

/** The value of TF_REATTACH_PROVIDERS, which makes Terraform use the running provider instead of starting one. */
async function reattachment(child: ChildProcess, stdout: Readable): Promise<string> {
  for await (const line of createInterface(stdout)) {
    const [, found] = /TF_REATTACH_PROVIDERS='(.+)'/.exec(line) ?? [];
    if (found !== undefined) return found;
  }
  throw new Error(`terraform-provider-aws ended with exit code ${child.exitCode}.`);
}

interface Ran {
  readonly code: number | null;
  readonly output: string;
}

async function runTerraform(args: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Promise<Ran> {
  const [command = '', ...options] = args;
  const asks = command === 'get' ? [] : ['-input=false'];
  const child = spawn('terraform', [command, '-no-color', ...asks, ...options], {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  // With -detailed-exitcode, 2 means that there are differences.
  if (code !== 0 && code !== 2)
    throw new Error(`terraform ${command} ended with ${code}:\n${stdout}${stderr}`);
  return { code, output: stdout };
}
