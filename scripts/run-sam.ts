import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { samEnvironment } from '../examples/sam/program.ts';

/**
 * Runs the SAM CLI, which finds esbuild, and installs what the function bundles and no more.
 * @returns its exit code
 */
export async function runSam(args: readonly string[]): Promise<number> {
  const sam = spawn('sam', args, {
    env: samEnvironment(),
    stdio: 'inherit',
    // There it is a batch file, which only a shell starts.
    shell: process.platform === 'win32',
  });
  // The terminal sends Ctrl-C to both; SAM ends by itself.
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
