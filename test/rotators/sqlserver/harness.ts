import type { RotatorHarness, TestAccount } from '../../../src/testing/index.ts';
import type { SqlServerHarness } from '../../support/tds/harness.ts';
import type { StandIn } from '../../support/tds/server.ts';
import makeRotator, { type SqlServerSettings } from './rotator.ts';

/**
 * Logins at a SQL Server, or at its stand-in: one for each account, and its clone where two take turns.
 *
 * @param ca the server's authority; without one any certificate will do, which saves most of the time of a login
 */
export function sqlServerHarness(
  server: SqlServerHarness & { readonly standIn?: StandIn },
  kind: SqlServerSettings['kind'],
  ca?: string,
): RotatorHarness {
  const { standIn } = server;
  const settings: SqlServerSettings = { kind, ca };
  const account = async (): Promise<TestAccount> => {
    const login = await server.createLogin("it's [app]");
    return {
      secret: server.secretOf(login),
      ...(kind === 'alternating' ? { admin: server.adminSecret() } : {}),
      ...(standIn === undefined ? {} : { digest: async () => digestOf(standIn, login.username) }),
    };
  };
  return {
    rotator: makeRotator(settings),
    account,
    // "Resource ID : %d. The %s limit for the database is %d and has been reached."
    busy: () => Object.assign(new Error('The limit of sessions has been reached.'), { number: 10928 }),
    module: { url: new URL('./rotator.ts', import.meta.url).href, settings },
  };
}

/** Everything that decides which passwords open an account: the logins' passwords, what bars them, and their users. */
function digestOf({ model }: StandIn, username: string): string {
  const names = [username, `${username}_clone`];
  const logins = names.map((name) => {
    const login = model.logins.get(name);
    return login && [login.password, login.barred, login.usedBefore];
  });
  const users = [...model.databases.values()].flatMap(({ name: database, users }) =>
    names.map((name) => users.get(name) && [database, name]),
  );
  return JSON.stringify([logins, users]);
}
