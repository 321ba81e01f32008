import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PostgresCredential } from '../../../rotators/postgres/index.ts';
import {
  type PostgresSession,
  postgres,
  postgresAlternatingUsers,
} from '../../../rotators/postgres/index.ts';
import { quoteIdentifier, quoteLiteral } from '../../../rotators/postgres/quoting.ts';
import type { ChangingRotator } from '../../../src/index.ts';
import { eventually } from '../../support/eventually.ts';
import { randomPassword, rotatorContext, uniqueName } from '../../support/postgres-fixtures.ts';
import { type PostgresServer, startPostgres, withClient } from '../../support/postgres-server.ts';

/** A server that logs everything it can. */
describe('the same delivered event, twice at once', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres({
      settings: [
        "log_statement = 'all'",
        "log_min_error_statement = 'debug5'",
        "log_error_verbosity = 'verbose'",
      ],
    });
  });
  afterAll(() => server.stop());

  const options = { ca: () => server.ca };
  const secretOf = (login: { username: string; password: string }) => ({
    engine: 'postgres',
    host: server.host,
    port: server.port,
    dbname: 'postgres',
    ...login,
  });

  async function createLogin(): Promise<{ username: string; password: string }> {
    const login = { username: uniqueName('twice'), password: randomPassword() };
    await server.asAdmin((client) =>
      client.query(
        `CREATE ROLE ${quoteIdentifier(login.username)} LOGIN PASSWORD ${quoteLiteral(login.password)}`,
      ),
    );
    return login;
  }

  /** One delivery: opens, and changes once all have opened. */
  async function deliver<Credential extends PostgresCredential>(
    rotator: ChangingRotator<Credential, PostgresSession>,
    { using, current, pending }: { using: Credential; current: Credential; pending: Credential },
    times: number,
  ): Promise<void> {
    const context = rotatorContext();
    const sessions = await Promise.all(Array.from({ length: times }, () => rotator.open(using, context)));
    try {
      await Promise.all(
        sessions.map((session) => {
          if (session === undefined) throw new Error('The login was refused.');
          return rotator.change(session, pending, { ...context, using, current });
        }),
      );
    } finally {
      await Promise.all(sessions.map((session) => session?.close()));
    }
  }

  /** Has all changes of a role meet: they wait for a transaction that locks it, and then go on together. */
  async function meeting(username: string, changes: () => Promise<void>, times: number): Promise<void> {
    await server.asAdmin(async (client) => {
      await client.query('BEGIN');
      await client.query('SELECT FROM pg_authid WHERE rolname = $1 FOR UPDATE', [username]);
      const changing = changes();
      changing.catch(() => undefined);
      await eventually(async () => {
        const { rows } = await server.asAdmin((other) =>
          other.query('SELECT FROM pg_stat_activity WHERE wait_event_type = $1', ['Lock']),
        );
        expect(rows).toHaveLength(times);
      });
      await client.query('COMMIT');
      await changing;
    });
  }

  const logsIn = ({ username, password }: { username: string; password: string }): Promise<boolean> =>
    withClient({ ...server, user: username, password }, async () => true);

  it('ends well for a single user, and no password is in the log', { timeout: 120_000 }, async () => {
    const rotator = postgres(options);
    const login = await createLogin();
    const passwords = [login.password];
    for (let round = 0; round < 40; round += 1) {
      const current = rotator.parse(secretOf({ ...login, password: passwords.at(-1) ?? '' }));
      const pending = { ...current, password: randomPassword() };
      const changes = () => deliver(rotator, { using: current, current, pending }, 3);
      // By chance, they may never meet.
      await (round === 0 ? meeting(login.username, changes, 3) : changes());
      expect(await logsIn(pending)).toBe(true);
      passwords.push(pending.password);
    }
    const log = await readFile(server.logFile, 'utf8');
    expect(log).toContain('tuple concurrently updated');
    for (const password of passwords.slice(1)) expect(log).not.toContain(password);
  });

  it('ends well for alternating users, also while the clone is made', { timeout: 120_000 }, async () => {
    const rotator = postgresAlternatingUsers(options);
    const passwords: string[] = [];
    for (let round = 0; round < 15; round += 1) {
      const login = await createLogin();
      const name = quoteIdentifier(login.username);
      await server.asAdmin((client) => client.query(`ALTER ROLE ${name} SET work_mem = '5MB'`));
      await server.asAdmin((client) => client.query(`ALTER ROLE ${name} SET search_path = a, b`));
      const current = rotator.parse(secretOf(login));
      const using = rotator.parse(secretOf(server.admin));
      const pending = rotator.parse(
        secretOf({ username: current.pair.alternate, password: randomPassword() }),
      );
      await deliver(rotator, { using, current, pending }, 3);
      expect(await logsIn(pending)).toBe(true);
      const back = rotator.parse(secretOf({ username: login.username, password: randomPassword() }));
      await deliver(rotator, { using, current: pending, pending: back }, 3);
      expect(await logsIn(back)).toBe(true);
      passwords.push(pending.password, back.password);
    }
    const log = await readFile(server.logFile, 'utf8');
    expect(log).toMatch(/ERROR: {2}(XX000|23505|42710|40P01)/);
    for (const password of passwords) expect(log).not.toContain(password);
  });
});
