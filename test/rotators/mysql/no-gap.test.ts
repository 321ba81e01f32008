import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import mysql from 'mysql2/promise';
import { describe, expect, it, onTestFinished } from 'vitest';
import { mysql as mysqlRotator } from '../../../rotators/mysql/index.ts';
import { describeUnless } from '../../sam/tools.ts';
import { type Flavour, missingServer, startMysql } from '../../support/mysql-server.ts';
import { startFixture } from '../../support/rotation-fixture.ts';

/** 200 in `npm run matrix:nightly`. */
const rotations = Number(process.env.KEYTURN_TEST_ROTATIONS || 15);

describe.each(['mysql', 'mariadb'] as const)('%s', (flavour: Flavour) => {
  describeUnless(missingServer(flavour), 'a real server', () => {
    it(
      `refuses no login of an application that uses AWSCURRENT all the time, through ${rotations} rotations`,
      async () => {
        const server = await startMysql(flavour);
        onTestFinished(server.stop);
        const { host, port, ca, admin } = server;
        const fixture = await startFixture({ rotators: [mysqlRotator({ ca: () => ca })] });
        onTestFinished(fixture.close);
        const login = { username: 'shop', password: randomBytes(12).toString('hex') };
        await server.run("CREATE USER ?@'%' IDENTIFIED BY ?", [login.username, login.password]);
        if (flavour === 'mysql') await server.run("GRANT APPLICATION_PASSWORD_ADMIN ON *.* TO 'shop'@'%'");
        const secret = { engine: flavour, host, port };
        const adminArn = await fixture.createSecret({ ...secret, ...admin });
        const tags = { 'keyturn:rotator': 'mysql', 'keyturn:admin': adminArn };
        const arn = await fixture.createSecret({ ...secret, ...login }, tags);

        const ending = new AbortController();
        const refused: unknown[] = [];
        const applications = [0, 1].map(() => ({ logins: 0 }));
        const apply = async (application: { logins: number }): Promise<void> => {
          while (!ending.signal.aborted) {
            const { username, password } = await fixture.read(arn);
            const login = { host, port, user: String(username), password: String(password), ssl: { ca } };
            await mysql.createConnection(login).then(
              (connection) => connection.end(),
              (error: unknown) => refused.push(error),
            );
            application.logins += 1;
          }
        };
        /**
         * A password that is read during a rotation is used before the next rotation begins, because it works until then. No
         * schedule has two rotations within one login.
         */
        const allHaveLoggedInAnew = async (): Promise<void> => {
          const before = applications.map(({ logins }) => logins);
          while (applications.some(({ logins }, index) => logins < (before[index] ?? 0) + 2)) await sleep(1);
        };
        const running = Promise.all(applications.map(apply));
        try {
          for (let rotation = 0; rotation < rotations; rotation += 1) {
            expect(await fixture.rotate(arn)).toBeUndefined();
            await allHaveLoggedInAnew();
          }
        } finally {
          ending.abort();
        }
        await running;
        expect(refused).toEqual([]);

        // Counted at the server: each refused login, of the application or of the function, is a line of its log.
        const log = await readFile(server.logFile, 'utf8');
        expect(log.match(/Access denied/g) ?? []).toEqual([]);
        for (const { logins } of applications) expect(logins).toBeGreaterThan(rotations);
        const reports = fixture.recorded.reports.filter(({ step }) => step === 'setSecret');
        expect(reports.map(({ outcome, gapMs }) => [outcome, gapMs])).toEqual(
          Array.from({ length: rotations }, () => ['changed', undefined]),
        );
        // The log would have shown it.
        const wrong = mysql.createConnection({ host, port, user: 'shop', password: 'wrong', ssl: { ca } });
        await expect(wrong).rejects.toThrow('Access denied');
        await expect
          .poll(async () => (await readFile(server.logFile, 'utf8')).match(/Access denied/g)?.length)
          .toBe(1);
      },
      Math.max(120_000, rotations * 3000),
    );
  });
});
