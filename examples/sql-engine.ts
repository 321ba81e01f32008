import type { Socket } from 'node:net';
import * as kit from '../rotators/database/index.ts';
import {
  KeyturnError,
  optionalText,
  type Rotator,
  type SecretFields,
  type Session,
} from '../src/rotator/index.ts';

interface Login extends kit.DatabaseLogin {
  readonly host: string;
  readonly port: number;
  readonly database: string;
}

/** The engine's driver. It logs in on an open connection, and throws errors with an SQLSTATE as `code`. */
export type Driver = (login: Login, socket: Socket) => Promise<Connection>;
interface Connection {
  query(statement: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
  end(): Promise<void>;
}
type ExampleSession = Session & Pick<Connection, 'query'>;

const name = (text: string): string => `"${text.replaceAll('"', '""')}"`;
const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** The meaning of the server's codes, by its documentation. */
const meanings = new Map([
  ['42501', 'PermissionDenied'],
  ['42704', 'AccountMissing'],
  ['53300', 'TargetBusy'],
  ['22023', 'PasswordRejected'],
] as const);
const codeOf = (error: unknown): string => kit.codesOf(error)[0] ?? '';

/** Both rotators of Example SQL, whose server grants roles to users. */
export function exampleSql(
  driver: Driver,
  requestTls: (socket: Socket) => Promise<void>,
  options: kit.ConnectionOptions = {},
): Rotator[] {
  const connect = kit.createConnect(options, requestTls);
  const engine: kit.SqlEngine<Login, ExampleSession> = {
    name: 'example-sql',
    engines: ['example-sql'],
    takesName: (text) => kit.visibleName.fits(text) && Buffer.byteLength(text) <= 63,
    parse: (fields: SecretFields) => {
      kit.requireEngine(fields, engine.engines);
      const username = { fits: engine.takesName, problem: 'is no name of a user' };
      return {
        ...kit.parseLogin(fields, { username: [username], password: [kit.wholeText] }),
        ...kit.parsePlace(fields, 26_257),
        database: optionalText(fields, 'dbname') ?? 'defaultdb',
      };
    },
    target: ({ host, port, database }, account) => ({ host, port, database, account }),
    newPassword: ({ password }) => password(),
    open: async (login, context) => {
      const socket = await connect(login, login, context);
      const letGo = kit.destroyOnAbort(socket, context.signal);
      try {
        const connection = await driver(login, socket);
        const close = () => connection.end().finally(letGo);
        return { query: connection.query, close };
      } catch (error) {
        letGo();
        socket.destroy();
        if (codeOf(error) === '28P01') return undefined; // The one code that says that the password is wrong.
        throw error;
      }
    },
    classify: kit.classifier({
      meaning: (error) => [...meanings].find(([code]) => code === codeOf(error))?.[1],
      isUnreachable: (code) => code.startsWith('08'),
    }),
  };

  const setPassword = async (session: ExampleSession, { username, password }: Login): Promise<void> => {
    await session.query(`ALTER ROLE ${name(username)} WITH PASSWORD ${literal(password)}`);
  };
  /** The rights that one user has and another lacks. */
  const lacking = async (session: ExampleSession, one: string, other: string): Promise<string[]> => {
    const [who, whom] = [one, other].map(
      (user) => `(SELECT oid FROM pg_roles WHERE rolname = ${literal(user)})`,
    );
    const rows = await session.query(
      `SELECT rolname FROM pg_roles WHERE oid <> ${who} AND pg_has_role(${who}, oid, 'MEMBER')
          AND NOT coalesce(pg_has_role(${whom}, oid, 'MEMBER'), false)`,
    );
    return rows.map(({ rolname }) => `the role ${rolname}`);
  };
  const excessRights = (admin: ExampleSession, subject: Login, proven: Login | undefined) =>
    lacking(admin, subject.username, proven?.username ?? '');

  return [
    kit.singleUser(engine, { change: setPassword, excessRights }),
    kit.alternatingUsers(engine, {
      change: async (admin, pending, { signal }) => {
        const { original, alternate } = pending.pair;
        const [from, to] = [name(original ?? alternate), name(pending.username)];
        // The same event can arrive twice at once: the second invocation begins again.
        await kit.untilNoConflict(
          signal,
          (error) => /^(42710|23505|XX000)$/.test(codeOf(error)),
          async () => {
            const rows = await admin.query(
              `SELECT FROM pg_roles WHERE rolname = ${literal(pending.username)}`,
            );
            if (rows.length === 0 && original === undefined)
              throw new KeyturnError('AccountMissing', `There is no user ${to}.`, 'Create it.');
            if (rows.length === 0) await admin.query(`CREATE ROLE ${to} WITH LOGIN`);
            if (original !== undefined && from !== to) await admin.query(`GRANT ${from} TO ${to}`);
            await setPassword(admin, pending);
          },
        );
      },
      verify: async (session, { username }, { current }) =>
        kit.requireNothingMissing(
          await lacking(session, current.username, username),
          current.username,
          'Grant it to both users, and rotate again.',
        ),
      excessRights,
    }),
  ];
}
