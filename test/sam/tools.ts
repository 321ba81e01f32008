import { run } from '../../examples/sam/program.ts';

/** Why a test that needs the SAM CLI can't run; undefined where it can. */
export async function missingSam(): Promise<string | undefined> {
  return (await works('sam', ['--version'])) ? undefined : 'no SAM CLI';
}

/** Why a test that needs the packages of requirements.txt can't run; undefined where it can. */
export async function missingPython(): Promise<string | undefined> {
  const found = await works('python', ['-c', 'import cfnlint, moto, samtranslator']);
  return found ? undefined : 'no Python with the packages of test/sam/requirements.txt';
}

async function works(program: string, args: readonly string[]): Promise<boolean> {
  return run(program, args).then(
    () => true,
    () => false,
  );
}
