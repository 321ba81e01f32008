import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { samEnvironment } from '../examples/sam/program.ts';

/**
 * Runs the SAM CLI in an environment where it finds esbuild and installs only what the function bundles.
 * @returns its exit code; 1 if there is no SAM CLI
 */
export async function runSam(args: readonly string[]): Promise<number> {
  const sam = spawn('sam', args, {
    env: samEnvironment(),
    stdio: 'inherit',
    // On Windows it is a batch file, which only a shell can start.
    shell: process.platform === 'win32',
  });
  // The terminal sends Ctrl-C to SAM too. SAM ends by itself, and this process waits for its exit code.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => sam.kill('SIGTERM'));
  try {
    const [code]: (number | null)[] = await once(sam, 'exit');
    return code ?? 1;
  } catch {
    console.error('There is no SAM CLI: install it with "pip install aws-sam-cli".');
    return 1;
  }
}
