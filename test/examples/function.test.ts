import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const run = (...args: string[]) =>
  promisify(execFile)(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    'examples/function.ts',
    ...args,
  ]);

it.each([
  ['a port that is no number', ['--port', 'x'], '--port takes a whole number'],
  ['a port that there is not', ['--port', '70000'], 'port'],
  ['an option that there is not', ['--prot', '1'], "Unknown option '--prot'"],
])('the function of the examples refuses %s in one line', async (_, args, words) => {
  await expect(run(...args)).rejects.toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(new RegExp(`^function: .*${words}.*\n$`)),
  });
});
