import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { parameterOverrides, readDeployArguments } from '../../scripts/deploy-arguments.ts';

const read = (file: string): Promise<string> => readFile(new URL(`../../${file}`, import.meta.url), 'utf8');
const readArguments = async (...args: string[]) => readDeployArguments(args, await read('template.yaml'));

describe('npm run deploy', () => {
  it('takes parameters by name, and passes on what is for sam deploy', async () => {
    const { parameters, profile, others } = await readArguments(
      'memorySize=1024',
      '--tags',
      'team=a',
      '--no-confirm-changeset',
      'secretFields=username=login password=pass',
    );
    expect([...parameters]).toEqual([
      ['memorySize', '1024'],
      ['secretFields', 'username=login password=pass'],
    ]);
    expect([profile, others]).toEqual(['default', ['--tags', 'team=a', '--no-confirm-changeset']]);
  });

  it('adds to the parameters of the profile, which sam deploy alone would replace', async () => {
    const asked = await readArguments(
      '--config-env',
      'prod',
      'logRetentionDays=30',
      'secretFields=a="b" \\c',
    );
    expect(parameterOverrides(asked, await read('samconfig.toml'))).toEqual([
      'ParameterKey=functionName,ParameterValue="keyturn-prod"',
      'ParameterKey=logRetentionDays,ParameterValue="30"',
      'ParameterKey=monitoring,ParameterValue="true"',
      'ParameterKey=secretFields,ParameterValue="a=\\"b\\" \\\\c"',
    ]);
    const asDefault = await readArguments();
    expect(parameterOverrides(asDefault, await read('samconfig.toml'))).toEqual([]);
  });

  it.each([
    ['in quotes', '"memorySize=512 rotationSchedule=\\"rate(7 days)\\""'],
    ['in single quotes', `"memorySize=512 rotationSchedule='rate(7 days)'"`],
    ['with an escaped space', `'memorySize=512 rotationSchedule=rate(7\\ days)'`],
    [
      'by key and value',
      `'ParameterKey=memorySize,ParameterValue=512 ParameterKey=rotationSchedule,ParameterValue="rate(7 days)"'`,
    ],
    ['in a list', `['memorySize=512', 'rotationSchedule="rate(7 days)"']`],
    ['in a table', '{ memorySize = 512, rotationSchedule = "rate(7 days)" }'],
  ])('reads the parameters of a profile as SAM does: %s', async (_, overrides) => {
    const samconfig = `[mine.deploy.parameters]\nparameter_overrides = ${overrides}\n`;
    const asked = await readArguments('--config-env', 'mine');
    expect(parameterOverrides(asked, samconfig)).toEqual([
      'ParameterKey=memorySize,ParameterValue="512"',
      'ParameterKey=rotationSchedule,ParameterValue="rate(7 days)"',
    ]);
  });

  it('refuses parameters of a profile that it can not read', async () => {
    const samconfig = '[mine.deploy.parameters]\nparameter_overrides = "rotationSchedule=rate(7 days)"\n';
    const asked = await readArguments('--config-env', 'mine');
    expect(() => parameterOverrides(asked, samconfig)).toThrow('parameter_overrides of the profile mine');
  });

  it('has profiles that ask nothing and end well where nothing has changed, for pipelines', async () => {
    const config = await read('samconfig.toml');
    for (const profile of ['dev', 'prod']) {
      const [, deploy = ''] =
        new RegExp(`\\[${profile}\\.deploy\\.parameters\\]\n([^[]*)`).exec(config) ?? [];
      expect(deploy).toContain('confirm_changeset = false');
      expect(deploy).toContain('fail_on_empty_changeset = false');
    }
  });

  it.each([
    ['a parameter that there is not', ['memory=1024'], 'The template has no parameter memory.'],
    ['--parameter-overrides', ['--parameter-overrides', 'memorySize=1'], 'Give parameters as NAME=VALUE'],
    [
      'a profile that there is not',
      ['--config-env', 'mars'],
      'samconfig.toml has no profile mars. It has default, dev, prod.',
    ],
    ['--config-env without a profile', ['--config-env'], '--config-env needs a profile'],
  ])('refuses %s, and builds nothing', async (_, args, words) => {
    const run = promisify(execFile)('npm', ['run', '--silent', 'deploy', '--', ...args], {
      env: { ...process.env, AWS_REGION: 'us-east-1' },
    });
    await expect(run).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining(words), stdout: '' });
  });

  it('says that no region is set, if nobody can be asked', async () => {
    const { AWS_REGION: _, AWS_DEFAULT_REGION: __, AWS_PROFILE: ___, ...env } = process.env;
    const run = promisify(execFile)('npm', ['run', '--silent', 'deploy'], {
      env: { ...env, AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' },
    });
    await expect(run).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('No region is set') });
  });
});
