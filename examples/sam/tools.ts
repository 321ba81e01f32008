import { run } from './program.ts';

/** A tool must be installed first. The message names it in one line. */
export class MissingTool extends Error {}

/** The first SAM CLI that knows nodejs24.x. */
const oldestSam = [1, 147] as const;

/**
 * Checks that Docker and SAM can run functions here.
 * @throws MissingTool
 */
export async function requireTools(): Promise<void> {
  const version = await outputOf('sam', ['--version']);
  if (version === undefined) {
    throw new MissingTool('There is no SAM CLI: install it with "pip install aws-sam-cli".');
  }
  const [, found = '', major, minor] = /version ((\d+)\.(\d+)\.\d+)/.exec(version) ?? [];
  if (Number(major) < oldestSam[0] || (Number(major) === oldestSam[0] && Number(minor) < oldestSam[1])) {
    throw new MissingTool(
      `The SAM CLI ${found} is too old for nodejs24.x: bring it to ${oldestSam.join('.')} or newer with "pip install --upgrade aws-sam-cli".`,
    );
  }
  if ((await outputOf('docker', ['info'])) === undefined) {
    throw new MissingTool('No Docker engine answers: install Docker, or start it.');
  }
}

/** A program's output; undefined if it is missing or fails. */
async function outputOf(program: string, args: readonly string[]): Promise<string | undefined> {
  try {
    return (await run(program, args)).stdout;
  } catch {
    return undefined;
  }
}
