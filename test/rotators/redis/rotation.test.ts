import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { redis, redisByAdmin } from '../../../rotators/redis/index.ts';
import { accountsTag } from '../../../src/rotation/trust.ts';
import { describeUnless } from '../../sam/tools.ts';
import {
  findRedisPrograms,
  noRedis,
  type RedisServer,
  refusedLogins,
  startLogins,
  startRedisServer,
} from '../../support/redis-server.ts';
import { type RotationFixture, startFixture } from '../../support/rotation-fixture.ts';
import { applicationRules } from './harness.ts';

const hashOf = (password: unknown): string => createHash('sha256').update(String(password)).digest('hex');

const programs = await findRedisPrograms();
describeUnless(programs.length === 0 ? noRedis : undefined, 'a user of Redis', () => {
  for (const program of programs)
    describe(program.name, () => {
      let server: RedisServer;
      let fixture: RotationFixture;
      beforeAll(async () => {
        server = await startRedisServer(program, { users: 'acl-file' });
        fixture = await startFixture({ rotators: [redis(), redisByAdmin()] });
      });
      afterAll(async () => {
        await fixture.close();
        await server.stop();
      });

      const place = () => ({ engine: 'redis', host: '127.0.0.1', port: server.port, ssl: false });
      const newName = (): string => `app-${randomBytes(6).toString('hex')}`;
      async function makeUser(username: string, ...rules: string[]) {
        const password = randomBytes(12).toString('base64url');
        const given = rules.length === 0 ? applicationRules : rules;
        await server.ask('ACL', 'SETUSER', username, 'on', `>${password}`, ...given);
        return { ...place(), username, password };
      }
      const passwordsOf = async (username: string, at = server): Promise<string[]> => {
        const answer: unknown = await at.ask('ACL', 'GETUSER', username);
        const list: unknown[] = Array.isArray(answer) ? answer : [];
        const found = list[list.indexOf('passwords') + 1];
        return Array.isArray(found) ? found.map(String) : [];
      };
      const withAdmin = async (): Promise<string> => fixture.createSecret({ ...place(), ...server.admin });
      async function createSecret(username = newName()): Promise<string> {
        return fixture.createSecret({ ...(await makeUser(username)), masterarn: await withAdmin() });
      }
      const lines = async (...words: string[]): Promise<string> => JSON.stringify(await server.ask(...words));

      it('keeps the old password until the next rotation, which an admin makes', async () => {
        const username = newName();
        const arn = await createSecret(username);
        const first = await fixture.read(arn);
        fixture.recorded.reports.length = 0;
        for (let before = first, time = 0; time < 3; time += 1) {
          expect(await fixture.rotate(arn)).toBeUndefined();
          const now = await fixture.read(arn);
          expect(now.password).not.toBe(before.password);
          expect(new Set(await passwordsOf(username))).toEqual(
            new Set([hashOf(before.password), hashOf(now.password)]),
          );
          before = now;
        }
        expect(fixture.recorded.reports.every(({ refusedLogins }) => refusedLogins === 0)).toBe(true);
      });

      it('shows no password to MONITOR, the slow log or ACL LOG, and leaves no refusal in it', async () => {
        await server.ask('CONFIG', 'SET', 'slowlog-log-slower-than', '0');
        await server.ask('ACL', 'LOG', 'RESET');
        const { port, admin } = server;
        const client = new Redis({ host: '127.0.0.1', port, ...admin, protocol: 2 });
        const monitor = await client.monitor();
        const seen: string[] = [];
        monitor.on('monitor', (_time: string, words: string[]) => seen.push(words.join(' ')));
        try {
          const arn = await createSecret();
          const [before] = [await fixture.read(arn)];
          expect(await fixture.rotate(arn)).toBeUndefined();
          const { password } = await fixture.read(arn);
          expect(seen.length).toBeGreaterThan(0);
          const logs =
            seen.join('\n') + (await lines('SLOWLOG', 'GET', '1000')) + (await lines('ACL', 'LOG'));
          // The test itself has made the user by its first password.
          expect(logs.split(String(before.password)).length - 1).toBeLessThanOrEqual(2);
          expect(logs).not.toContain(String(password));
          expect(await server.ask('ACL', 'LOG')).toEqual([]);
        } finally {
          monitor.disconnect();
          client.disconnect();
          await server.ask('CONFIG', 'SET', 'slowlog-log-slower-than', '10000');
        }
      });

      it('changes itself without an admin, where it may', async () => {
        const username = newName();
        const arn = await fixture.createSecret(await makeUser(username, '~*', '&*', '+@all'));
        expect(await fixture.rotate(arn, { immediately: false })).toBeUndefined();
        expect(await fixture.rotate(arn)).toBeUndefined();
        expect(await passwordsOf(username)).toHaveLength(2);
      });

      it('ends passwords that the secret does not hold, and one that somebody has ended stays so', async () => {
        const username = newName();
        const arn = await createSecret(username);
        const first = await fixture.read(arn);
        await server.ask('ACL', 'SETUSER', username, '>somebody added this one');
        expect(await fixture.rotate(arn)).toBeUndefined();
        const second = await fixture.read(arn);
        // AWSCURRENT's password is removed by hand. AWSPREVIOUS still opens, and AWSCURRENT's password does not come back.
        await server.ask('ACL', 'SETUSER', username, `<${String(second.password)}`);
        expect(await fixture.rotate(arn)).toBeUndefined();
        const third = await fixture.read(arn);
        expect(new Set(await passwordsOf(username))).toEqual(
          new Set([hashOf(first.password), hashOf(third.password)]),
        );
      });

      it.each(['json', 'url'])(
        'rotates the default user of a server with requirepass, as %s',
        async (form) => {
          const own = await startRedisServer(program, { requirepass: 'a first password' });
          try {
            const { port } = own;
            const arn = await fixture.createSecret(
              form === 'url'
                ? `redis://:a%20first%20password@127.0.0.1:${port}/0`
                : { engine: 'redis', host: '127.0.0.1', port, password: 'a first password', ssl: false },
            );
            expect(await fixture.rotate(arn)).toBeUndefined();
            const { password } = await fixture.read(arn);
            expect(password).not.toBe('a first password');
            expect(await passwordsOf('default', own)).toHaveLength(2);
            await own.restart();
            expect(await passwordsOf('default', own)).toContain(hashOf(password));
          } finally {
            await own.stop();
          }
        },
      );

      describe('after a restart', () => {
        it.each(['acl-file', 'configuration'] as const)('is known again, by the %s', async (users) => {
          const own = await startRedisServer(program, { users });
          try {
            const username = users === 'acl-file' ? `"it's"\\${newName()}` : newName();
            const password = 'a first password';
            await own.ask('ACL', 'SETUSER', username, 'on', `>${password}`, '~*', '&*', '+@all');
            const secret = {
              engine: 'redis',
              host: '127.0.0.1',
              port: own.port,
              ssl: false,
              username,
              password,
            };
            const arn = await fixture.createSecret(secret);
            expect(await fixture.rotate(arn)).toBeUndefined();
            await own.restart();
            expect(await passwordsOf(username, own)).toContain(hashOf((await fixture.read(arn)).password));
            const file = users === 'acl-file' ? 'users.acl' : 'redis.conf';
            expect(await readFile(join(own.folder, file), 'utf8')).toContain(username);
          } finally {
            await own.stop();
          }
        });

        it.each([
          ['its own name', `it's-"mine`, [], true],
          ['a rule of its own, which is all that its admin sees', 'shop', [`~it's`], false],
          ["another user's rule", 'shop', [], true],
        ] as const)(
          'is never written into a configuration that the server could not read, for %s',
          async (what, name, rules, maySeeAll) => {
            const own = await startRedisServer(program);
            try {
              const before = await readFile(join(own.folder, 'redis.conf'), 'utf8');
              await own.ask('ACL', 'SETUSER', name, 'on', '>a first password', '+@read', ...rules);
              if (what.startsWith('another')) await own.ask('ACL', 'SETUSER', 'other', '~a"b');
              const maker = { username: 'maker', password: 'of users' };
              const seen = maySeeAll ? ['+acl|list'] : [];
              await own.ask(
                ...['ACL', 'SETUSER', maker.username, 'on', `>${maker.password}`, '-@all', '+info', '+hello'],
                ...['+acl|getuser', '+acl|setuser', '+acl|save', '+config|rewrite', '+config|get', ...seen],
              );
              const at = { ...place(), port: own.port };
              const masterarn = await fixture.createSecret({ ...at, ...maker });
              const secret = { ...at, username: name, password: 'a first password', masterarn };
              const arn = await fixture.createSecret(secret);
              expect(await fixture.rotate(arn, { immediately: false })).toBeUndefined();
              expect(fixture.recorded.notes.join('\n')).toMatch(
                /restart: ok: .*CONFIG REWRITE does not quote/,
              );
              expect(await fixture.rotate(arn)).toBeUndefined();
              expect(fixture.recorded.notes.at(-1)).toMatch(/After a restart of .*quotation mark/);
              expect(await readFile(join(own.folder, 'redis.conf'), 'utf8')).toBe(before);
              await own.restart();
            } finally {
              await own.stop();
            }
          },
        );

        it('is refused where the ACL file can not be written, and AWSCURRENT works', async () => {
          const own = await startRedisServer(program, { users: 'acl-file' });
          try {
            const username = newName();
            await own.ask('ACL', 'SETUSER', username, 'on', '>a first password', '~*', '&*', '+@all');
            const login = { username, password: 'a first password' };
            const arn = await fixture.createSecret({ ...place(), port: own.port, ...login });
            await rm(join(own.folder, 'users.acl'));
            await mkdir(join(own.folder, 'users.acl', 'in the way'), { recursive: true });
            expect(await fixture.rotate(arn)).toMatch(/^TargetFailed: .*can not write its ACL file/);
            expect(await fixture.read(arn)).toMatchObject(login);
            expect(await passwordsOf(username, own)).toContain(hashOf(login.password));
          } finally {
            await own.stop();
          }
        });

        it('is lost where nothing is written down, and a note says so', async () => {
          const own = await startRedisServer(program, { users: 'nowhere' });
          try {
            const username = newName();
            await own.ask('ACL', 'SETUSER', username, 'on', '>a first password', '~*', '&*', '+@all');
            const arn = await fixture.createSecret({
              ...place(),
              port: own.port,
              username,
              password: 'a first password',
            });
            expect(await fixture.rotate(arn, { immediately: false })).toBeUndefined();
            expect(fixture.recorded.notes.join('\n')).toMatch(/restart: ok: .*is lost with a restart/);
            expect(await fixture.rotate(arn)).toBeUndefined();
            expect(fixture.recorded.notes.join('\n')).toMatch(/After a restart of 127\.0\.0\.1:\d+ the new/);
          } finally {
            await own.stop();
          }
        });
      });

      describe('where the old password is to end', () => {
        it('ends it once AWSCURRENT has moved', async () => {
          const revocation = 'at-once';
          const other = await startFixture({
            rotators: [redis({ revocation }), redisByAdmin({ revocation })],
          });
          try {
            for (const kind of ['account', 'admin']) {
              const username = newName();
              const masterarn = await other.createSecret({ ...place(), ...server.admin });
              const arn = await other.createSecret(
                kind === 'admin'
                  ? { ...(await makeUser(username)), masterarn }
                  : await makeUser(username, '~*', '&*', '+@all'),
              );
              expect(await other.rotate(arn)).toBeUndefined();
              expect(await passwordsOf(username)).toEqual([hashOf((await other.read(arn)).password)]);
            }
          } finally {
            await other.close();
          }
        });

        it('ends it after some hours', async () => {
          const revocation = { afterHours: 24 };
          const other = await startFixture({ rotators: [redis({ revocation })] });
          try {
            const username = newName();
            const arn = await other.createSecret(await makeUser(username, '~*', '&*', '+@all'));
            const due = async (): Promise<void> =>
              void (await other.handler({ Step: 'revokePrevious', SecretId: arn }));
            expect(await other.rotate(arn)).toBeUndefined();
            await due();
            expect(await passwordsOf(username)).toHaveLength(2);
            const now = Date.now;
            Date.now = () => now() + 25 * 3_600_000;
            try {
              await due();
            } finally {
              Date.now = now;
            }
            expect(await passwordsOf(username)).toEqual([hashOf((await other.read(arn)).password)]);
          } finally {
            await other.close();
          }
        });

        it('after some hours, has the admin change no user whose password nobody knows', async () => {
          const other = await startFixture({ rotators: [redisByAdmin({ revocation: { afterHours: 24 } })] });
          try {
            const masterarn = await other.createSecret({ ...place(), ...server.admin });
            const arn = await other.createSecret({ ...(await makeUser(newName())), masterarn });
            expect(await other.rotate(arn)).toBeUndefined();
            const victim = newName();
            await makeUser(victim);
            const before = await passwordsOf(victim);
            await other.put(arn, { ...(await other.read(arn)), username: victim, password: 'of a writer' });
            const now = Date.now;
            Date.now = () => now() + 25 * 3_600_000;
            try {
              await expect(other.handler({ Step: 'revokePrevious', SecretId: arn })).rejects.toMatchObject({
                code: 'CurrentRefused',
              });
            } finally {
              Date.now = now;
            }
            expect(await passwordsOf(victim)).toEqual(before);
          } finally {
            await other.close();
          }
        });
      });

      it('changes with no more rights than docs/redis.md asks for', async () => {
        const page = await readFile('docs/redis.md', 'utf8');
        const [, rules = ''] = /^ACL SETUSER keyturn on >PASSWORD (.*)$/m.exec(page) ?? [];
        const admin = newName();
        const masterarn = await fixture.createSecret(await makeUser(admin, ...rules.split(' ')));
        const username = newName();
        const arn = await fixture.createSecret({ ...(await makeUser(username)), masterarn });
        expect(await fixture.rotate(arn, { immediately: false })).toBeUndefined();
        expect(await fixture.rotate(arn)).toBeUndefined();
        expect(await passwordsOf(username)).toHaveLength(2);
      });

      // 200 in the night: KEYTURN_TEST_ROTATIONS.
      const times = Number(process.env.KEYTURN_TEST_ROTATIONS ?? 15);
      it(`never refuses an application in ${times} rotations, as the server counts`, {
        timeout: 600_000,
      }, async () => {
        const username = newName();
        const arn = await createSecret(username);
        const before = await refusedLogins(server);
        const application = startLogins(server, async () => ({
          username,
          password: String((await fixture.read(arn)).password),
        }));
        for (let time = 0; time < times; time += 1) expect(await fixture.rotate(arn)).toBeUndefined();
        expect(await application.stop()).toBeGreaterThan(times);
        expect(await refusedLogins(server)).toBe(before);
      });

      describe('is refused before anything is changed', () => {
        const unchanged = async (arn: string, username: string, expected: RegExp): Promise<void> => {
          const before = await passwordsOf(username);
          const labels = await fixture.labels(arn);
          expect(await fixture.rotate(arn)).toMatch(expected);
          expect(await passwordsOf(username)).toEqual(before);
          const current = (all: Record<string, string[]>): string | undefined =>
            Object.keys(all).find((id) => all[id]?.includes('AWSCURRENT'));
          expect(current(await fixture.labels(arn))).toBe(current(labels));
        };

        it('that does not exist, or is off, as one that is refused', async () => {
          const masterarn = await withAdmin();
          const missing = { ...place(), username: newName(), password: 'of nobody' };
          expect(await fixture.rotate(await fixture.createSecret({ ...missing, masterarn }))).toMatch(
            /^NoCredentialAccepted/,
          );
          const username = newName();
          const secret = await makeUser(username);
          await server.ask('ACL', 'SETUSER', username, 'off');
          await unchanged(
            await fixture.createSecret({ ...secret, masterarn }),
            username,
            /^NoCredentialAccepted/,
          );
        });

        it('whose password was lost, and that does not exist or is off, by what the admin sees', async () => {
          const adminArn = await withAdmin();
          const username = newName();
          const tags = { 'keyturn:rotator': 'redis', [accountsTag]: username };
          const secret = { ...place(), username, password: 'a lost one', masterarn: adminArn };
          const arn = await fixture.createSecret(secret, tags);
          expect(await fixture.rotate(arn)).toMatch(/^AccountMissing: .*has no user/);
          await server.ask('ACL', 'SETUSER', username, 'off', '>another one', ...applicationRules);
          await unchanged(arn, username, /^TargetFailed: .*is off/);
          await server.ask('ACL', 'SETUSER', username, 'on');
          await fixture.clearPending(arn);
          expect(await fixture.rotate(arn)).toBeUndefined();
          expect(await passwordsOf(username)).toEqual([hashOf((await fixture.read(arn)).password)]);
        });

        it('that may not change users, without an admin', async () => {
          const username = newName();
          const arn = await fixture.createSecret(await makeUser(username));
          expect(await fixture.rotate(arn, { immediately: false })).toMatch(
            /^PreflightFailed: .*name an admin secret/,
          );
          await unchanged(arn, username, /^PermissionDenied: .*NOPERM/);
        });

        it('whose admin may not change users', async () => {
          const masterarn = await fixture.createSecret(
            await makeUser(newName(), '~*', '+@read', '+info', '+config|get'),
          );
          const username = newName();
          const arn = await fixture.createSecret({ ...(await makeUser(username)), masterarn });
          expect(await fixture.rotate(arn, { immediately: false })).toMatch(/^PreflightFailed: .*the admin/);
          await unchanged(arn, username, /^PermissionDenied/);
        });

        it('that needs no password', async () => {
          const username = newName();
          const secret = await makeUser(username, ...applicationRules, 'nopass');
          const arn = await fixture.createSecret({ ...secret, masterarn: await withAdmin() });
          await unchanged(arn, username, /^TargetFailed: .*nopass/);
        });

        it('by the name of somebody else, as everywhere', async () => {
          const somebody = newName();
          await makeUser(somebody);
          const arn = await fixture.createSecret({
            ...place(),
            username: somebody,
            password: 'a guess',
            masterarn: await withAdmin(),
          });
          await unchanged(arn, somebody, /^NoCredentialAccepted/);
        });

        it('that administers, where its password was lost', async () => {
          const [username, adminArn] = [newName(), await withAdmin()];
          await makeUser(username, '~*', '+@all', '-@dangerous');
          const tags = { 'keyturn:rotator': 'redis', [accountsTag]: username };
          const secret = { ...place(), username, password: 'a lost one', masterarn: adminArn };
          await unchanged(
            await fixture.createSecret(secret, tags),
            username,
            /^RightsExceeded: .*all commands/,
          );
        });
      });
    });
});
