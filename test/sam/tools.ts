import { describe, it } from 'vitest';
import { run } from '../../examples/sam/program.ts';

/** Why a test that needs the SAM CLI and the packages of requirements.txt can't run; undefined where it can. */
export async function missingSam(): Promise<string | undefined> {
  if (!(await works('sam', ['--version']))) return 'no SAM CLI';
  if (await works('python', ['-c', 'import cfnlint, moto, samtranslator'])) return undefined;
  return 'no Python with the packages of test/sam/requirements.txt';
}

/** Why a test that runs the function in a container can't; undefined where it can. */
export async function missingContainer(): Promise<string | undefined> {
  if (!(await works('sam', ['--version']))) return 'no SAM CLI';
  if (!(await works('docker', ['info']))) return 'no Docker engine answers';
  const image = process.env.KEYTURN_INVOKE_IMAGE;
  if (!image) return 'KEYTURN_INVOKE_IMAGE names no image to run the function in';
  return (await works('docker', ['image', 'inspect', image])) ? undefined : `there is no image ${image}`;
}

/** Describes a suite or, where something is missing for it, one skipped test that says what. */
export function describeUnless(missing: string | undefined, name: string, suite: () => void): void {
  if (missing === undefined) describe(name, suite);
  else it.skip(`${name}: ${missing}`, () => undefined);
}

async function works(program: string, args: readonly string[]): Promise<boolean> {
  return run(program, args).then(
    () => true,
    () => false,
  );
}
