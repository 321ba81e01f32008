import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keyturn-tools-'));
});
afterEach(() => rm(folder, { recursive: true }));

interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs an example on a machine that has only these programs. Each is given as lines of a shell script. */
async function runWith(programs: Readonly<Record<string, string>>, args: readonly string[]): Promise<Ended> {
  for (const [name, script] of Object.entries(programs)) {
    const file = join(folder, name);
    await writeFile(file, `#!/bin/sh\n${script}\n`);
    await chmod(file, 0o755);
  }
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], {
    env: { PATH: [folder, '/nowhere'].join(delimiter) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { exitCode: child.exitCode, stdout, stderr };
}

const invoke = 'examples/invoke/main.ts';
const newSam = 'echo "SAM CLI, version 1.170.0"';

interface Lack {
  readonly where: string;
  readonly programs: Readonly<Record<string, string>>;
  readonly line: string;
}

describe('an example that needs the SAM CLI and a Docker engine', () => {
  it.for<Lack>([
    {
      where: 'there is no SAM CLI',
      programs: {},
      line: 'There is no SAM CLI: install it with "pip install aws-sam-cli".',
    },
    {
      where: 'the SAM CLI does not know nodejs24.x yet',
      programs: { sam: 'echo "SAM CLI, version 1.146.0"' },
      line: 'The SAM CLI 1.146.0 is too old for nodejs24.x: bring it to 1.147 or newer with "pip install --upgrade aws-sam-cli".',
    },
    {
      where: 'no engine answers',
      programs: { sam: newSam, docker: 'exit 1' },
      line: 'No Docker engine answers: install Docker, or start it.',
    },
  ])('says in one line what to install where $where', async ({ programs, line }) => {
    const nothingElse = { exitCode: 1, stdout: '' };
    const invoked = await runWith(programs, [invoke, '--step', 'setSecret']);
    expect(invoked).toEqual({ ...nothingElse, stderr: `invoke: ${line}\n` });
    const shown = await runWith(programs, ['examples/demo/main.ts', '--sam']);
    expect(shown).toEqual({ ...nothingElse, stderr: `demo: ${line}\n` });
  });
});

describe('the arguments of invoke', () => {
  it.for([
    {
      args: [],
      line: /^invoke: --step must be one of createSecret, setSecret, testSecret, finishSecret\.\n$/,
    },
    { args: ['--step', 'rotate'], line: /^invoke: --step must be one of .*, not 'rotate'\.\n$/ },
    {
      args: ['--step', 'setSecret', '--rotator', 'mars'],
      line: /^invoke: --rotator must be one of .*'mars'\.\n$/,
    },
    { args: ['--nonsense'], line: /^invoke: Unknown option '--nonsense'.*\n$/ },
  ])('refuse $args with one line', async ({ args, line }) => {
    const { exitCode, stdout, stderr } = await runWith({}, [invoke, ...args]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(line);
  });

  it('explain themselves with --help', async () => {
    const { exitCode, stdout } = await runWith({}, [invoke, '--help']);
    expect(exitCode).toBe(0);
    for (const option of ['--step', '--rotator', '--json']) expect(stdout).toContain(option);
  });
});
