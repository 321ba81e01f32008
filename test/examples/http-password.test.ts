import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { httpPassword } from '../../examples/http-password.ts';
import { closedPort } from '../support/closed-port.ts';
import { startFixture } from '../support/rotation-fixture.ts';
import { startHttpService } from './http-service.ts';

const read = (file: string): Promise<string> => readFile(join(import.meta.dirname, '../..', file), 'utf8');

it('rotates with the rotator of docs/rotators.md', async () => {
  const { url: host, passwords, stop } = await startHttpService();
  passwords.set('robot', 'first-password');
  const fixture = await startFixture({ rotators: [httpPassword] });
  try {
    const tags = { 'keyturn:rotator': 'http-password' };
    const arn = await fixture.createSecret({ host, username: 'robot', password: 'first-password' }, tags);
    expect(await fixture.rotate(arn)).toBeUndefined();
    const { password } = await fixture.read(arn);
    expect(password).toHaveLength(24);
    expect(passwords.get('robot')).toBe(password);

    const nowhere = { host: `http://127.0.0.1:${await closedPort()}`, username: 'robot', password: 'x' };
    expect(await fixture.rotate(await fixture.createSecret(nowhere, tags))).toMatch(/^TargetUnreachable/);
  } finally {
    await fixture.close();
    await stop();
  }
  expect((await read('examples/http-password.ts')).split('\n').length).toBeLessThan(60);
});

it('is shown in docs/rotators.md as it is, and so is the proof of it', async () => {
  const page = await read('docs/rotators.md');
  expect(page).toContain(
    (await read('examples/http-password.ts')).replace('../src/rotator/index.ts', 'keyturn/rotator'),
  );
  const proof = await read('test/examples/conformance.test.ts');
  expect(page).toContain(proof.replace('../../src/testing/index.ts', 'keyturn/testing'));
  const harness = await read('test/examples/harness.ts');
  expect(page).toContain(
    harness
      .replace('../../src/testing/index.ts', 'keyturn/testing')
      .replace('../../examples/http-password.ts', './http-password.ts'),
  );
  const token = await read('examples/api-token.ts');
  expect(page).toContain(token.replace('../src/rotator/index.ts', 'keyturn/rotator'));
});
