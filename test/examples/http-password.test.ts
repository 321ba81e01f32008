import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { httpPassword } from '../../examples/http-password.ts';
import { closedPort, startFixture } from '../support/rotation-fixture.ts';
import { startHttpService } from './http-service.ts';

it('rotates with the rotator of the README, whose text is this file’s subject', async () => {
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
  const root = join(import.meta.dirname, '../..');
  const example = await readFile(join(root, 'examples/http-password.ts'), 'utf8');
  expect(await readFile(join(root, 'README.md'), 'utf8')).toContain(
    example.replace('../src/index.ts', 'keyturn'),
  );
  expect(example.split('\n').length).toBeLessThan(60);
});
