import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { localSamEnvironment, root } from '../../examples/sam/program.ts';
import { type Moto, startMoto } from './moto.ts';
import { describeUnless, missingSam } from './tools.ts';

describeUnless(await missingSam(), 'the first deployment', () => {
  let moto: Moto;
  beforeAll(async () => {
    moto = await startMoto('http://127.0.0.1:9');
  });
  afterAll(() => moto.stop());

  it('is one command and one answer', async () => {
    const deploy = spawn('npm', ['run', '--silent', 'deploy', '--', 'memorySize=1024'], {
      cwd: root,
      env: localSamEnvironment(moto.env),
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [deploy.stdout, deploy.stderr])
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString();
      });
    // There is only one answer, so a second question would end the command.
    deploy.stdin.end('y\n');
    const [code] = await once(deploy, 'close');
    expect(output).toContain('Successfully created/updated stack - keyturn in us-east-1');
    expect(code).toBe(0);
    expect(output.match(/\[[yYnN/]+\]:/g)).toHaveLength(1);
    expect(output).toContain('"memorySize": "1024"');
    expect(output).toContain('npx keyturn attach SECRET --function');
  });
});
