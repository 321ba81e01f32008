import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { samEnvironment } from '../examples/sam/program.ts';

/** `npm run sam -- ARGUMENTS`: the SAM CLI, which finds esbuild and installs what the function bundles and no more. */
const sam = spawn('sam', process.argv.slice(2), {
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
  process.exitCode = code ?? 1;
} catch {
  console.error('There is no SAM CLI: install it with "pip install aws-sam-cli".');
  process.exitCode = 1;
}
