import { randomUUID } from 'node:crypto';
import { httpPassword } from '../../examples/http-password.ts';
import type { RotatorHarness } from '../../src/testing/index.ts';
import type { HttpService } from './http-service.ts';

/** Accounts of the service; their secret's `host` is a URL. */
export function httpPasswordHarness({ url, passwords }: HttpService): RotatorHarness {
  return {
    rotator: httpPassword,
    account: async () => {
      const [username, password] = [`robot-${randomUUID()}`, randomUUID()];
      passwords.set(username, password);
      return {
        secret: { host: url, username, password },
        tags: { 'keyturn:rotator': httpPassword.name },
        digest: async () => String(passwords.get(username)),
      };
    },
    elsewhere: (fields, { host, port }) => ({ ...fields, host: `http://${host}:${port}` }),
    busy: () => new Error('The service answered 503.'),
    module: { url: new URL('./rotator.ts', import.meta.url).href },
  };
}
