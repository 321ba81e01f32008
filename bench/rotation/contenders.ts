import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { bundleLambda } from '../support/bundle.ts';
import type { FunctionCommand } from './function-process.ts';

/** The strategies that are measured. */
export const strategies = ['single user', 'alternating users'] as const;
export type Strategy = (typeof strategies)[number];

/** A rotation function that is measured. */
export interface Contender {
  readonly name: 'keyturn' | 'template';
  /** How its function for a strategy is started. */
  readonly commands: Readonly<Record<Strategy, FunctionCommand>>;
  /** The programs that it runs on, with their versions. */
  readonly programs: Readonly<Record<string, string>>;
}

const runtime = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/** Keyturn as deployed: bundled into `folder`, one function for both strategies. */
export async function keyturn(folder: string): Promise<Contender> {
  const { entry } = await bundleLambda(folder);
  const command = { program: process.execPath, args: [runtime('runtime.js'), entry.file] };
  return {
    name: 'keyturn',
    commands: { 'single user': command, 'alternating users': command },
    programs: {},
  };
}

const templateFolders: Readonly<Record<Strategy, string>> = {
  'single user': 'SecretsManagerRDSPostgreSQLRotationSingleUser',
  'alternating users': 'SecretsManagerRDSPostgreSQLRotationMultiUser',
};

const versionsOfPython = `
import json, platform
from importlib.metadata import version
print(json.dumps({"Python": platform.python_version(), "boto3": version("boto3"), "PyGreSQL": version("PyGreSQL")}))
`;

/**
 * AWS's templates, in a Python with boto3 and PyGreSQL.
 *
 * @param templates a checkout of aws-samples/aws-secrets-manager-rotation-lambdas
 * @throws Error if one of them is missing
 */
export async function template(templates: string, python: string): Promise<Contender> {
  const command = async (strategy: Strategy): Promise<FunctionCommand> => {
    const folder = join(templates, templateFolders[strategy]);
    await access(join(folder, 'lambda_function.py')).catch(() => {
      throw new Error(`--templates: there is no ${templateFolders[strategy]} in ${templates}.`);
    });
    return { program: python, args: [runtime('runtime.py'), folder] };
  };
  const commands = {
    'single user': await command('single user'),
    'alternating users': await command('alternating users'),
  };
  const { stdout } = await promisify(execFile)(python, ['-c', versionsOfPython]).catch(() => {
    throw new Error(`--python: ${python} is no Python with boto3 and PyGreSQL.`);
  });
  return { name: 'template', commands, programs: JSON.parse(stdout) };
}
