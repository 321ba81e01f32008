import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SecretFields } from '../../../src/index.ts';
import { crashMatrix, describeRotator } from '../../../src/testing/index.ts';
import { closedPort } from '../../support/closed-port.ts';
import { type ManagedUsersApi, startManagedUsers } from '../../support/managed-users.ts';
import { findRedisProgram, noRedis, startRedisServer } from '../../support/redis-server.ts';
import { type RotationFixture, startFixture } from '../../support/rotation-fixture.ts';
import { arnOf, managedHarness } from './harness.ts';
import makeRotator, { type ManagedSettings } from './rotator.ts';

const hashOf = (password: unknown): string => createHash('sha256').update(String(password)).digest('hex');
const program = await findRedisProgram();
const services = ['elasticache', 'memorydb'] as const;

if (program === undefined) {
  it('rotates users of ElastiCache and MemoryDB', ({ skip }) => skip(noRedis));
} else {
  const server = await startRedisServer(program);
  const started: ManagedUsersApi[] = [];
  afterAll(async () => {
    for (const api of started) await api.stop();
    await server.stop();
  });
  const startApi = async (): Promise<ManagedUsersApi> => {
    const api = await startManagedUsers(server);
    started.push(api);
    return api;
  };

  for (const service of services) {
    describeRotator(service, managedHarness(server, await startApi(), { service }));

    describe(`a user of ${service}`, () => {
      let api: ManagedUsersApi;
      let fixture: RotationFixture;
      beforeAll(async () => {
        api = await startApi();
        api.endpoints.push({ host: '127.0.0.1', port: server.port });
        fixture = await startWith({});
      });
      afterAll(() => fixture.close());

      const startWith = (settings: Partial<ManagedSettings>): Promise<RotationFixture> =>
        startFixture({ rotators: [makeRotator({ service, endpoint: api.url, ...settings })] });
      async function makeUser(more: SecretFields = {}, id = `user-${randomBytes(6).toString('hex')}`) {
        const password = randomBytes(15).toString('base64url');
        await api.add(id, { name: id, passwords: [password] });
        return { user_arn: arnOf(service, id), username: id, password, ssl: false, ...more };
      }
      const tags = { 'keyturn:rotator': service };
      const passwordsAt = async (username: unknown): Promise<string[]> => {
        const answer: unknown = await server.ask('ACL', 'GETUSER', String(username));
        const list: unknown[] = Array.isArray(answer) ? answer : [];
        const found = list[list.indexOf('passwords') + 1];
        return Array.isArray(found) ? found.map(String) : [];
      };

      it('has the new password and the one before, in the JSON of the template, at a cache that the API names', async () => {
        const arn = await fixture.createSecret(await makeUser(), tags);
        for (let time = 0; time < 3; time += 1) {
          const before = await fixture.read(arn);
          expect(await fixture.rotate(arn)).toBeUndefined();
          const now = await fixture.read(arn);
          expect(Object.keys(now)).toEqual(Object.keys(before));
          expect(new Set(await passwordsAt(now.username))).toEqual(
            new Set([hashOf(now.password), hashOf(before.password)]),
          );
        }
        expect(await fixture.rotate(arn, { immediately: false })).toBeUndefined();
        expect(fixture.recorded.notes.join('\n')).toMatch(/proof: ok: a login at 127\.0\.0\.1:\d+/);
      });

      it('has the new one alone where the old one is to end at once', async () => {
        const other = await startWith({ revocation: 'at-once' });
        try {
          const arn = await other.createSecret(await makeUser(), tags);
          expect(await other.rotate(arn)).toBeUndefined();
          const { username, password } = await other.read(arn);
          expect(await passwordsAt(username)).toEqual([hashOf(password)]);
        } finally {
          await other.close();
        }
      });

      it('is waited for while it changes, and not for ever', async () => {
        const secret = await makeUser();
        const user = api.users.get(secret.username);
        if (user === undefined) throw new Error('There is the user.');
        user.status = 'modifying';
        setTimeout(() => {
          user.status = 'active';
        }, 50);
        const arn = await fixture.createSecret(secret, tags);
        expect(await fixture.rotate(arn)).toBeUndefined();
        const impatient = await startWith({ maxWaitingMs: 0 });
        try {
          user.status = 'modifying';
          const other = await impatient.createSecret(await fixture.read(arn), tags);
          expect(await impatient.rotate(other)).toMatch(/^TargetFailed: .*is "modifying"/);
        } finally {
          await impatient.close();
        }
      });

      const refusedAs = async (secret: SecretFields, expected: RegExp, in_ = fixture): Promise<void> => {
        const before = await passwordsAt(secret.username);
        const calls = api.calls.length;
        expect(await in_.rotate(await in_.createSecret(secret, tags))).toMatch(expected);
        expect(await passwordsAt(secret.username)).toEqual(before);
        expect(api.calls.slice(calls).filter((call) => /Modify|Update/.test(call))).toEqual([]);
      };

      it('is left alone where it is not the one that the secret proves', async () => {
        const mine = await makeUser();
        const somebodys = await makeUser();
        // Another person's user, with a host, a name or a password that the writer has chosen.
        await refusedAs(
          { ...mine, user_arn: somebodys.user_arn },
          /^InvalidSecretField: .*not the name of the user/,
        );
        await refusedAs({ ...somebodys, password: mine.password }, /^NoCredentialAccepted/);
        const own = { host: '127.0.0.1', port: await closedPort() };
        await refusedAs({ ...somebodys, ...own }, /^InvalidSecretField: .*is no cache of the user/);
        await refusedAs({ ...mine, user_arn: 'arn:aws:iam::1:user/x' }, /^InvalidSecretField: .*user_arn/);
        await refusedAs({ ...mine, user_arn: arnOf(service, 'nobody') }, /^AccountMissing/);
      });

      it('is left alone where it has no password, or can log in nowhere', async () => {
        for (const authentication of ['iam', 'no-password']) {
          const secret = await makeUser();
          Object.assign(api.users.get(secret.username) ?? {}, { authentication });
          await refusedAs(secret, /^TargetFailed: .*not by a password/);
        }
        const alone = await makeUser();
        Object.assign(api.users.get(alone.username) ?? {}, { groups: [] });
        await refusedAs(alone, /^AccountNotServed: .*at no cache/);
        const { password: _, ...never } = await makeUser();
        await refusedAs(never, /^AccountNotServed: .*holds no password/);
      });

      it('is rotated without a login where the function names it, as with the template, and no other', async () => {
        const { password: _, ...secret } = await makeUser();
        const dedicated = await startWith({ userName: secret.username });
        try {
          const arn = await dedicated.createSecret(secret, tags);
          expect(await dedicated.rotate(arn)).toBeUndefined();
          const { password } = await dedicated.read(arn);
          expect(await passwordsAt(secret.username)).toEqual([hashOf(password)]);
          await refusedAs(await makeUser(), /^AccountNotServed: .*USER_NAME/, dedicated);
        } finally {
          await dedicated.close();
        }
      });
    });
  }

  it('survives each call whose answer is lost', { timeout: 300_000 }, async () => {
    const harness = managedHarness(server, await startApi(), { service: 'elasticache' });
    const { cells, failed } = await crashMatrix(harness, {
      only: ({ place, fault }) => / target /.test(place) && fault === 'lost-answer',
    });
    expect(failed.map(({ id, place, failure }) => ({ id, place, failure }))).toEqual([]);
    expect(cells.length).toBeGreaterThan(5);
  });
}
