import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const SCRIPT = fileURLToPath(new URL('../../scripts/generate-api-model.ts', import.meta.url));
const botocore = process.env.KEYTURN_BOTOCORE;

if (botocore === undefined) {
  it.skip('skipped: KEYTURN_BOTOCORE, the folder of botocore, is not set', () => undefined);
} else {
  it('the API’s model is what botocore gives', async () => {
    const generate = promisify(execFile)(process.execPath, [SCRIPT, '--botocore', botocore, '--check']);
    expect((await generate).stdout).toBe('');
  });
}
