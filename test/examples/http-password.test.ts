import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { httpPassword } from '../../examples/http-password.ts';
import { closedPort, startFixture } from '../support/rotation-fixture.ts';

/** A service with accounts whose passwords can be changed over HTTP. */
function startService(passwords: Map<string, string>): ReturnType<typeof createServer> {
  return createServer(async (request, response) => {
    const [, credential = ''] = request.headers.authorization?.split(' ') ?? [];
    const [username = '', password] = Buffer.from(credential, 'base64').toString().split(/:(.*)/s);
    if (passwords.get(username) !== password) return void response.writeHead(401).end();
    let body = '';
    for await (const chunk of request) body += String(chunk);
    if (request.method === 'PUT') passwords.set(username, String(JSON.parse(body).password));
    response.end('{}');
  });
}

it('rotates with the rotator of the README, whose text is this file’s subject', async () => {
  const passwords = new Map([['robot', 'first-password']]);
  const service = startService(passwords);
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
  const address = service.address();
  const host = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
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
    service.close();
  }
  const root = join(import.meta.dirname, '../..');
  const example = await readFile(join(root, 'examples/http-password.ts'), 'utf8');
  expect(await readFile(join(root, 'README.md'), 'utf8')).toContain(
    example.replace('../src/index.ts', 'keyturn'),
  );
  expect(example.split('\n').length).toBeLessThan(60);
});
