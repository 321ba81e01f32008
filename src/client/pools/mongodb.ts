import { optionalPort, optionalSsl, optionalText, requireText } from '../../documents/fields.ts';
import { KeyturnError } from '../../errors.ts';
import type { Secret } from '../secrets.ts';
import type { SecretValue } from '../value.ts';
import { refusedBy } from './refused-by.ts';
import { type PoolSettings, requireClass } from './shared.ts';

/** The part of a `MongoClient` that is used. */
export interface MongoClientLike {
  /** Opens the first connection. */
  connect(): Promise<unknown>;
  /** Closes all connections. */
  close(): Promise<unknown>;
}

/** Clients of MongoDB. A new credential needs a new one, since a `MongoClient` can't change its credential. */
export interface Mongo<Client> {
  /**
   * Runs an operation. If MongoDB refuses the login, it runs again with another credential. A login happens when the client
   * opens a connection, before the operation begins: so make only one operation in each call.
   *
   * @throws what the operation throws; as {@link Secret.use}; ClientClosed after `close`
   */
  use<T>(operation: (client: Client) => T | Promise<T>): Promise<T>;
  /** The newest client, connected. It is closed once a newer one has replaced it and no `use` runs with it. */
  client(): Promise<Client>;
  /** Closes all clients. */
  close(): Promise<void>;
}

interface Generation<Client> {
  readonly versionId: string;
  readonly client: Client;
  users: number;
}

/** See createMongo. */
export async function mongo<Client extends MongoClientLike>(
  MongoClient: new (...args: never[]) => Client,
  secret: Secret,
  options: object,
  { openConnections = 'keep', deadline }: PoolSettings = {},
): Promise<Mongo<Client>> {
  requireClass(
    MongoClient,
    ['connect', 'close', 'db'],
    'the class MongoClient',
    'createMongo(MongoClient, secret)',
  );
  const open = new Set<Generation<Client>>();
  let newest: Generation<Client> | undefined;
  let isClosed = false;

  const generationOf = (value: SecretValue): Generation<Client> => {
    if (isClosed) throw closed();
    if (newest?.versionId === value.versionId) return newest;
    const client: Client = Reflect.construct(MongoClient, argumentsOf(value, options));
    newest = { versionId: value.versionId, client, users: 0 };
    open.add(newest);
    return newest;
  };
  const closeUnused = (): void => {
    for (const generation of open) {
      if (generation === newest || generation.users > 0) continue;
      open.delete(generation);
      // An error while an old client closes helps nobody.
      generation.client.close().catch(() => undefined);
    }
  };
  const run = async <T>(
    generation: Generation<Client>,
    operation: (client: Client) => T | Promise<T>,
  ): Promise<T> => {
    generation.users += 1;
    try {
      return await operation(generation.client);
    } finally {
      generation.users -= 1;
      closeUnused();
    }
  };
  const use = <T>(operation: (client: Client) => T | Promise<T>): Promise<T> =>
    secret.use(
      async (value) => {
        const earlier = newest;
        if (
          openConnections === 'keep' &&
          earlier !== undefined &&
          earlier.versionId !== value.versionId &&
          !isClosed
        ) {
          try {
            return await run(earlier, operation);
          } catch (error) {
            // The old client had to open a connection, and was refused. Use the new credential from now on.
            if (!refusedBy.mongodb(error)) throw error;
          }
        }
        return run(generationOf(value), operation);
      },
      { isRefused: refusedBy.mongodb, ...(deadline && { deadline }) },
    );
  await secret.get();
  return {
    use,
    client: () =>
      use(async (client) => {
        await client.connect();
        return client;
      }),
    close: async () => {
      isClosed = true;
      const clients = [...open].map(({ client }) => client.close());
      open.clear();
      await Promise.all(clients);
    },
  };
}

function closed(): KeyturnError {
  return new KeyturnError(
    'ClientClosed',
    'The clients of MongoDB were closed by close().',
    'Call createMongo again, or close them only when the application ends.',
  );
}

/** A MongoClient's arguments. A secret that is a URL is used as it is. From fields, a URL without the login is made. */
function argumentsOf(value: SecretValue, options: object): [string, object] {
  const { fields, form, text } = value;
  if (form === 'url') return [text.trim(), options];
  const auth = { username: requireText(fields, 'username'), password: requireText(fields, 'password') };
  const authSource = optionalText(fields, 'authSource') ?? optionalText(fields, 'authsource');
  const tls = optionalSsl(fields);
  const host = requireText(fields, 'host');
  const place =
    host.includes(':') || host.includes(',') ? host : `${host}:${optionalPort(fields, 'port', 27017)}`;
  const own = {
    auth,
    ...(authSource === undefined ? {} : { authSource }),
    ...(tls === undefined ? {} : { tls }),
  };
  return [`mongodb://${place}/${optionalText(fields, 'dbname') ?? ''}`, { ...own, ...options }];
}
