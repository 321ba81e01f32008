import { execFile } from 'node:child_process';
import { delimiter } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** The repository's folder, in which SAM finds the template. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

export interface ProgramOptions {
  /** The working directory. Default: the repository's folder. */
  readonly folder?: string;
  /** Variables besides those of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Ends the program as Ctrl-C does: SAM then removes its containers. */
  readonly signal?: AbortSignal;
}

/** A program's output. */
export interface ProgramOutput {
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Variables for SAM. With them, SAM finds esbuild and sends no telemetry to AWS. SAM installs packages by `npm ci`; with
 * them, it leaves out dev dependencies.
 */
export function samEnvironment(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const PATH = [`${root}node_modules/.bin`, process.env.PATH].join(delimiter);
  const forNpm = { NPM_CONFIG_OMIT: 'dev' };
  return { ...process.env, ...forNpm, PATH, SAM_CLI_TELEMETRY: '0', ...more };
}

/** Variables for SAM commands that run only on this machine. They need a region, but any region does. */
export function localSamEnvironment(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  return { AWS_DEFAULT_REGION: 'us-east-1', ...samEnvironment(more) };
}

/**
 * Runs a program to its end.
 * @throws Error with its error output, if it fails or does not exist
 */
export async function run(
  program: string,
  args: readonly string[],
  { folder = root, env, signal }: ProgramOptions = {},
): Promise<ProgramOutput> {
  const maxBuffer = 64 * 1024 * 1024;
  const killSignal = 'SIGINT';
  const options = { cwd: folder, env: localSamEnvironment(env), maxBuffer, signal, killSignal } as const;
  return promisify(execFile)(program, [...args], options);
}
