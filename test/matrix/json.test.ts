import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const main = join(import.meta.dirname, 'main.ts');

it('says in JSON too why a rotator has no report', { timeout: 60_000 }, async () => {
  const args = ['--disable-warning=ExperimentalWarning', main, '--rotator', 'sqlserver', '--json'];
  // No server is started or called: this names none.
  const env = { ...process.env, KEYTURN_TEST_SQLSERVER_URL: 'nowhere' };
  const { code, stdout } = await new Promise<{ code: unknown; stdout: string }>((resolve) => {
    execFile(process.execPath, args, { env }, (error, out) =>
      resolve({ code: error?.code ?? 0, stdout: out }),
    );
  });
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({
    byRotator: {},
    broken: [{ rotator: 'sqlserver', failure: expect.stringContaining('config.server') }],
  });
});
