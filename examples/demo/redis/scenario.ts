import { randomBytes } from 'node:crypto';
import { redisByAdmin } from '../../../rotators/redis/index.ts';
import {
  findRedisProgram,
  opens,
  type RedisProgram,
  type RedisServer,
  refusedLogins,
  startRedisServer,
} from '../../../test/support/redis-server.ts';
import {
  type Login,
  playTwoPasswords,
  type TwoPasswordsOutcome,
  type TwoPasswordsSurroundings,
} from '../two-passwords.ts';

/** @throws Error with one line that says what to install */
export function requireProgram(found: RedisProgram | undefined): RedisProgram {
  if (found !== undefined) return found;
  throw new Error(
    'There is no Valkey or Redis: install redis-server, or name the script that .ci/valkey prints in KEYTURN_TEST_VALKEY_SERVER.',
  );
}

/** Rotates a user of Valkey or Redis. */
export async function playRedis(surroundings: TwoPasswordsSurroundings): Promise<TwoPasswordsOutcome> {
  const program = requireProgram(await findRedisProgram());
  const server = await startRedisServer(program, { tls: true, users: 'acl-file' });
  surroundings.resources.defer(() => server.stop());
  const { port, admin, ca } = server;
  const login = await createUser(server);
  const place = { engine: 'redis', host: 'localhost', port };
  return playTwoPasswords(
    {
      name: program.name,
      place: `localhost:${port}`,
      rotator: redisByAdmin({ ca: () => ca }),
      login,
      storeSecrets: async (store, name) => {
        const masterarn = await store('prod/admin', { ...place, ...admin });
        return store(name, { ...place, ...login, masterarn });
      },
      // The server counts refused logins, and no accepted ones. So accepted ones are counted in the function's reports.
      loginsSeen: async (reports) => ({
        logins: reports.reduce((sum, { logins }) => sum + logins, 0),
        refusedLogins: await refusedLogins(server),
      }),
      accepts: (each) => opens(server, each),
    },
    surroundings,
  );
}

/** Creates an application's user. It has no right to administer the server. */
async function createUser({ ask }: RedisServer): Promise<Login> {
  const login = { username: 'shop', password: randomBytes(15).toString('base64url') };
  const rules = ['~shop:*', '&shop:*', '+@read', '+@write', '+@connection'];
  await ask('ACL', 'SETUSER', login.username, 'on', `>${login.password}`, ...rules);
  return login;
}
