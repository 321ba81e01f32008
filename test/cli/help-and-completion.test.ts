import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { optionsOf } from '../../src/cli/completion.ts';
import { runInShell, runKeyturn } from './keyturn-process.ts';

const commandsOf = (help: string): string[] =>
  [...help.matchAll(/^ {2}([a-z]+) {2,}/gm)].map(([, name = '']) => name);

describe('keyturn help', () => {
  it('prints the same as --help, for all commands and for one', async () => {
    const all = await runKeyturn('--help');
    expect(await runKeyturn('help')).toEqual(all);
    for (const command of commandsOf(all.stdout).filter((name) => name !== 'help')) {
      const one = await runKeyturn('help', command);
      expect(one).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/^Usage: keyturn /m) });
      expect(await runKeyturn(command, '--help')).toEqual(one);
    }
    expect(await runKeyturn('help', 'nonsense')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("'nonsense'"),
    });
  });

  it('prints a document instead of help with --json', async () => {
    for (const args of [
      ['render', '--json'],
      ['nonsense', '--json'],
      ['status', '--json', '--nonsense'],
      ['exec', '--json'],
    ]) {
      const { code, stdout, stderr } = await runKeyturn(...args);
      expect([code, stderr, JSON.parse(stdout)]).toEqual([
        2,
        '',
        { outcome: 'failed', error: { code: 'WrongArguments', message: expect.stringMatching(/^keyturn/) } },
      ]);
    }
  });
});

describe('keyturn completion', () => {
  /** The words that bash offers after a line, with the completion of this checkout. */
  const offered = async (...words: string[]): Promise<string[]> => {
    const { stdout } = await runKeyturn('completion', 'bash');
    const script = `complete() { :; }\n${stdout}\nCOMP_WORDS=(keyturn "$@"); COMP_CWORD=$#; _keyturn; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const result = spawnSync('bash', ['-c', script, 'bash', ...words], { encoding: 'utf8' });
    expect([result.status, result.stderr]).toEqual([0, '']);
    return result.stdout.split('\n').filter((word) => word !== '');
  };
  const missing = spawnSync('bash', ['-c', ':']).status === 0 ? undefined : 'bash is not here';

  it('offers commands and their options in bash', async ({ skip }) => {
    skip(missing !== undefined, missing);
    expect(await offered('re')).toEqual(['render']);
    expect(await offered('')).toEqual(expect.arrayContaining(['exec', 'help', 'completion', '--version']));
    expect(await offered('render', '--c')).toEqual(['--check']);
    expect(await offered('render', '-')).toEqual(
      expect.arrayContaining(['--output', '-o', '--stdout', '--json']),
    );
    expect(await offered('help', 'exe')).toEqual(['exec']);
    expect(await offered('render', 'app')).toEqual([]);
    expect(await offered('exec', 'prod/shop', '--', 'node', '--')).toEqual([]);
  });

  it('knows every option of every command', async () => {
    const { stdout } = await runKeyturn('--help');
    for (const command of commandsOf(stdout).filter((name) => name !== 'help')) {
      const { stdout: help } = await runKeyturn(command, '--help');
      const sections = help.matchAll(/^Options(?: of \w+)?:\n([\s\S]*?)(?:\n\n|$|\nExamples:)/gm);
      const section = [...sections].map(([, text = '']) => text).join('\n');
      const named = [...section.matchAll(/^ {2}(?:-\w, )?--([a-z-]+)/gm)].map(([, name]) => name);
      expect(named.length, command).toBeGreaterThan(0);
      expect(optionsOf({ help }).map(({ name }) => name)).toEqual(expect.arrayContaining(named));
    }
  });

  it.each(['bash', 'zsh', 'fish'])('is valid in %s', async (shell) => {
    const { code, stdout } = await runKeyturn('completion', shell);
    expect([code, stdout]).toEqual([0, expect.stringContaining('render')]);
    const check = await runInShell(
      `command -v ${shell} >/dev/null || exit 0; keyturn completion ${shell} | ${shell} -n`,
    );
    expect(check).toMatchObject({ code: 0, stderr: '' });
  });

  it('refuses other shells', async () => {
    expect(await runKeyturn('completion', 'tcsh')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('bash, zsh or fish'),
    });
    expect((await runKeyturn('completion')).code).toBe(2);
  });
});
