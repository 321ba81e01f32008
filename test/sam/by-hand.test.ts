import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { localSamEnvironment, root, run } from '../../examples/sam/program.ts';
import { bridgeAddress } from '../../examples/sam/reach.ts';
import { closedPort } from '../support/closed-port.ts';
import { describeUnless, missingContainer } from './tools.ts';

describeUnless(await missingContainer(), 'the walk by hand of docs/sam-local.md', () => {
  const started: ChildProcess[] = [];
  afterEach(async () => {
    // What a terminal does for Ctrl-C, to all that was started in it.
    for (const child of started.splice(0).reverse()) {
      const ended = child.exitCode === null ? once(child, 'exit') : undefined;
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGINT');
      await ended;
    }
  });

  it('ends in a rotated secret, as it stands on the page', async () => {
    const page = await readFile(new URL('../../docs/sam-local.md', import.meta.url), 'utf8');
    const networks: unknown = JSON.parse((await run('docker', ['network', 'inspect', 'bridge'])).stdout);
    const [secretsManager, lambda] = [await closedPort(), await closedPort()];
    const image = `--invoke-image ${process.env.KEYTURN_INVOKE_IMAGE} --skip-pull-image`;
    // The ports may be taken here, the network may have another address, and AWS's image can't be pulled.
    const script = (name: string): string => {
      const [, text = ''] = new RegExp(`\`\`\`sh walk=${name}\n(.*?)\`\`\``, 's').exec(page) ?? [];
      return `set -eu\n${text
        .replaceAll('4584', String(secretsManager))
        .replaceAll('3001', String(lambda))
        .replaceAll('172.17.0.1', bridgeAddress(networks))
        .replaceAll('--env-vars env.json', `--env-vars .aws-sam/by-hand.json --port ${lambda} ${image}`)}`;
    };
    const variables = (await readFile(new URL('../../env.json', import.meta.url), 'utf8')).replaceAll(
      '4584',
      String(secretsManager),
    );
    const start = (name: string): { output: string } => {
      const shell = spawn('bash', ['-c', script(name)], {
        cwd: root,
        env: localSamEnvironment(),
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      started.push(shell);
      const heard = { output: '' };
      for (const stream of [shell.stdout, shell.stderr])
        stream.on('data', (chunk: Buffer) => {
          heard.output += chunk.toString();
        });
      return heard;
    };
    const answers = async (url: string, { output }: { output: string }): Promise<void> => {
      for (let tries = 0; tries < 600; tries += 1) {
        if (
          await fetch(url).then(
            () => true,
            () => false,
          )
        )
          return;
        await sleep(200);
      }
      throw new Error(`Nobody answers at ${url}: ${output}`);
    };
    await mkdir(new URL('../../.aws-sam', import.meta.url), { recursive: true });
    await writeFile(new URL('../../.aws-sam/by-hand.json', import.meta.url), variables);

    await answers(`http://${bridgeAddress(networks)}:${secretsManager}`, start('secrets-manager'));
    await answers(`http://127.0.0.1:${lambda}`, start('function'));
    const { stdout } = await run('bash', ['-c', script('rotation')]);
    expect(stdout).toContain('dev/signing-key');
    expect(stdout).toMatch(/rotated/i);
    expect(stdout).toMatch(/ok {2}/);
  });
});
