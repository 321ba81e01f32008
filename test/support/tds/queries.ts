import { randomBytes } from 'node:crypto';
import * as catalogue from '../../../rotators/sqlserver/catalogue.ts';
import { securableViews } from '../../../rotators/sqlserver/securables.ts';
import {
  databaseOf,
  type Identity,
  type Model,
  mayEnter,
  type Principal,
  type StandInUser,
  userOfLogin,
  valueRow,
} from './model.ts';
import type { Statement } from './requests.ts';
import { isSysadmin, mayOnServer, ownsDatabase } from './rights.ts';
import { type Row, SqlError } from './tokens.ts';

interface ResultSet {
  readonly rows: readonly Row[];
  readonly names: readonly string[];
}

type Ask = (model: Model, session: Identity, username: string) => readonly Row[];

/** Whether a session can see a login and its permissions. */
function seesLogin(model: Model, session: Identity, name: string): boolean {
  return (
    session.name === name ||
    mayOnServer(model, session, 'ALTER ANY LOGIN') ||
    mayOnServer(model, session, 'VIEW ANY DEFINITION')
  );
}

/** Whether a session can see a user of its database. */
function seesUser(model: Model, session: Identity, user: StandInUser): boolean {
  return session.name === (user.login ?? user.name) || seesAll(model, session, session.database);
}

const account: Ask = (model, session, username) => {
  const database = databaseOf(model, session.database);
  const user = database.users.get(username);
  const kind = user === undefined ? null : user.password === undefined ? 1 : 2;
  return [
    {
      edition: model.azure ? 5 : 3,
      currentDatabase: database.name,
      containment: database.contained ? 1 : 0,
      authenticationType: kind,
    },
  ];
};

const login: Ask = (model, session, username) => {
  const found = model.logins.get(username);
  if (found === undefined || !seesLogin(model, session, username)) return [];
  const { name, sid, defaultDatabase, defaultLanguage, policyChecked, expirationChecked, barred } = found;
  const locked = barred === 18486 ? 1 : 0;
  return [{ name, defaultDatabase, defaultLanguage, policyChecked, expirationChecked, locked, sid }];
};

const loginTruth = (model: Model, session: Identity, values: Readonly<Record<string, string>>): Row[] => {
  const found = onServer(model, session, values.username ?? '');
  const login = found === undefined ? undefined : model.logins.get(found.name);
  if (login === undefined) return [];
  const granted = login.grants.filter(({ permission }) => permission === 'CONNECT SQL');
  const seesHash = mayOnServer(model, session, 'CONTROL SERVER');
  return [
    {
      windowsOnly: model.windowsOnly ? 1 : 0,
      disabled: login.barred === 18470,
      locked: login.barred === 18486 ? 1 : 0,
      expired: login.barred === 18487 ? 1 : 0,
      mustChange: login.barred === 18488 ? 1 : 0,
      denied: granted.some(({ state }) => state === 'D'),
      mayConnect: granted.some(({ state }) => state !== 'D') || login.roles.has('sysadmin'),
      matches: seesHash ? Number(login.password === values.password) : null,
    },
  ];
};

const truthColumns = [
  'windowsOnly',
  'disabled',
  'locked',
  'expired',
  'mustChange',
  'denied',
  'mayConnect',
  'matches',
];

const databases: Ask = (model, session) =>
  [...model.databases.values()].map((database) => ({
    name: database.name,
    readOnly: database.readOnly,
    accessible: mayEnter(model, session, database) ? 1 : 0,
    visible: seesAll(model, session, database.name) ? 1 : 0,
  }));

function seesAll(model: Model, session: Identity, database: string): boolean {
  if (mayOnServer(model, session, 'VIEW ANY DEFINITION')) return true;
  const user = userOfLogin(databaseOf(model, database), session.name);
  return (
    ownsDatabase(model, { ...session, database }) ||
    user?.grants.some(({ permission, class: on }) => permission === 'VIEW DEFINITION' && on === 0) === true
  );
}

function describeUser(model: Model, session: Identity, user: StandInUser | undefined): readonly Row[] {
  if (user === undefined || !seesUser(model, session, user)) return [];
  const { name, defaultSchema, defaultLanguage, login: named } = user;
  const login = named !== undefined && model.logins.has(named) ? named : null;
  return [{ name, defaultSchema, defaultLanguage, login }];
}

const userOfSid = (model: Model, session: Identity, sid: string): readonly Row[] => {
  const login = [...model.logins.values()].find((one) => one.sid === sid);
  return login === undefined
    ? []
    : describeUser(model, session, userOfLogin(databaseOf(model, session.database), login.name));
};

const loginsUser: Ask = (model, session, username) =>
  describeUser(model, session, userOfLogin(databaseOf(model, session.database), username));

const user: Ask = (model, session, username) =>
  describeUser(model, session, databaseOf(model, session.database).users.get(username));

function rolesOf(principal: Principal | undefined): readonly Row[] {
  return [...(principal?.roles ?? [])].map((name) => ({ name, direct: true }));
}

function grantsOf(principal: Principal | undefined): readonly Row[] {
  return (principal?.grants ?? []).map(valueRow);
}

const inDatabase = (model: Model, session: Identity, username: string): Principal | undefined => {
  const found = databaseOf(model, session.database).users.get(username);
  return found !== undefined && seesUser(model, session, found) ? found : undefined;
};

const onServer = (model: Model, session: Identity, username: string): Principal | undefined =>
  seesLogin(model, session, username) ? model.logins.get(username) : undefined;

const worker: Ask = (model, session) => {
  const { name, trustworthy, triggers } = databaseOf(model, session.database);
  return [
    {
      edition: model.azure ? 5 : 3,
      database: name,
      trustworthy,
      confined: session.containedIn !== undefined,
      triggers: triggers.size,
    },
  ];
};

/**
 * EXECUTE AS USER = 'dbo', with the rotator's query in the same batch.
 *
 * @see https://learn.microsoft.com/sql/t-sql/statements/execute-as-transact-sql
 */
const actAsOwner: Ask = (model, session) => {
  const owner = databaseOf(model, session.database).users.get('dbo')?.login ?? '';
  if (!ownsDatabase(model, session) || !model.logins.has(owner))
    throw new SqlError(
      15517,
      'Cannot execute as the database principal because the principal "dbo" does not exist, this type of principal cannot be impersonated, or you do not have permission.',
    );
  session.acting = { user: 'dbo', cookie: `0x${randomBytes(16).toString('hex').toUpperCase()}` };
  return [
    {
      cookie: session.acting.cookie,
      actingAs: 'dbo',
      sysadmin: isSysadmin(model, session) ? 1 : 0,
      controlServer: mayOnServer(model, session, 'CONTROL SERVER') ? 1 : 0,
      alterAnyLogin: mayOnServer(model, session, 'ALTER ANY LOGIN') ? 1 : 0,
    },
  ];
};

/** The rotator's query about two accounts: on the server, and in each database that the session may enter. */
function rights(model: Model, session: Identity, values: Readonly<Record<string, string>>): ResultSet[] {
  const accounts = [
    ['subject', values.subject ?? ''],
    ['proven', values.proven ?? ''],
  ] as const;
  const unseen = [...model.databases.values()].filter(
    (database) =>
      database.name !== 'tempdb' &&
      !(mayEnter(model, session, database) && seesAll(model, session, database.name)),
  );
  if (model.azure)
    return accounts.flatMap(([who, account]) =>
      rightsInDatabase(model, session, who, account, values.database ?? ''),
    );
  return [
    { rows: unseen.map(({ name }) => ({ unseenDatabase: name })), names: ['unseenDatabase'] },
    ...accounts.flatMap(([who, account]) => rightsOnServer(model, session, who, account)),
    ...[...model.databases.values()]
      .filter((database) => mayEnter(model, session, database))
      .flatMap(({ name }) =>
        accounts.flatMap(([who, account]) =>
          rightsInDatabase(model, { ...session, database: name }, who, account, values.database ?? ''),
        ),
      ),
  ];
}

const headingColumns = ['scope', 'who', 'username', 'contained'];

function rightsOnServer(model: Model, session: Identity, who: string, account: string): ResultSet[] {
  const found = onServer(model, session, account);
  const owned = [...model.databases.values()].filter(
    ({ users }) => found !== undefined && users.get('dbo')?.login === account,
  );
  return [
    {
      rows: [{ scope: '', who, username: found?.name ?? null, contained: false }],
      names: headingColumns,
    },
    { rows: rolesOf(found), names: ['name', 'direct'] },
    { rows: grantsOf(found), names: permissionColumns },
    { rows: owned.map(({ name }) => ({ ownedDatabase: name })), names: ['ownedDatabase'] },
  ];
}

function rightsInDatabase(
  model: Model,
  session: Identity,
  who: string,
  account: string,
  secretDatabase: string,
): ResultSet[] {
  const database = databaseOf(model, session.database);
  const named = database.users.get(account);
  const contained = named?.password !== undefined && database.name === secretDatabase;
  const isOrphan = named?.login !== undefined && !model.logins.has(named.login);
  const user = contained ? named : (userOfLogin(database, account) ?? (isOrphan ? named : undefined));
  const found = user !== undefined && seesUser(model, session, user) ? user : undefined;
  return [
    {
      rows: [{ scope: database.name, who, username: found?.name ?? null, contained }],
      names: headingColumns,
    },
    { rows: rolesOf(found), names: ['name', 'direct'] },
    { rows: grantsOf(found), names: permissionColumns },
  ];
}

const permissionColumns = [
  'class',
  'classDescription',
  'majorId',
  'minorId',
  'permission',
  'state',
  'schemaName',
  'name',
  'columnName',
  'principalType',
  'direct',
];
const userColumns = ['name', 'defaultSchema', 'defaultLanguage'];
const userAndLoginColumns = [...userColumns, 'login'];
/** Views that Azure SQL Database does not have. */
const notInAzure = new Set(['sys.routes', 'sys.remote_service_bindings']);
const inAzure = securableViews.filter((view) => !notInAzure.has(view));

/** Statements that name views of the server, which a database of Azure does not have. */
const ofTheServer = new Set<string>([
  catalogue.serverRolesStatement,
  catalogue.serverPermissionsStatement,
  catalogue.containedUsersStatement,
  catalogue.loginTruthStatement,
  catalogue.databasePermissionsStatement(new Set(securableViews)),
]);

/** The rotator's queries by their exact text, and the columns of their results. */
const queries = new Map<string, readonly [Ask, readonly string[]]>([
  [
    catalogue.accountStatement,
    [account, ['edition', 'currentDatabase', 'containment', 'authenticationType']],
  ],
  [
    catalogue.loginStatement,
    [
      login,
      ['name', 'defaultDatabase', 'defaultLanguage', 'policyChecked', 'expirationChecked', 'locked', 'sid'],
    ],
  ],
  [catalogue.databasesStatement, [databases, ['name', 'readOnly', 'accessible', 'visible']]],
  [catalogue.userOfLoginStatement, [loginsUser, userColumns]],
  [catalogue.userStatement, [user, userAndLoginColumns]],
  [catalogue.serverRolesStatement, [(...asked) => rolesOf(onServer(...asked)), ['name', 'direct']]],
  [catalogue.databaseRolesStatement, [(...asked) => rolesOf(inDatabase(...asked)), ['name', 'direct']]],
  [catalogue.serverPermissionsStatement, [(...asked) => grantsOf(onServer(...asked)), permissionColumns]],
  [
    catalogue.databasePermissionsStatement(new Set(securableViews)),
    [(...asked) => grantsOf(inDatabase(...asked)), permissionColumns],
  ],
  [
    catalogue.databasePermissionsStatement(new Set(inAzure)),
    [(...asked) => grantsOf(inDatabase(...asked)), permissionColumns],
  ],
  [
    catalogue.securableViewsStatement,
    [
      ({ azure }) => [
        Object.fromEntries(
          securableViews.map((view, index) => [view, azure && notInAzure.has(view) ? null : index + 1]),
        ),
      ],
      securableViews,
    ],
  ],
  [catalogue.serverStatement, [(model) => [{ server: model.serverName }], ['server']]],
  [
    catalogue.updateableStatement,
    [
      (model, session) => [
        { updateability: databaseOf(model, session.database).readOnly ? 'READ_ONLY' : 'READ_WRITE' },
      ],
      ['updateability'],
    ],
  ],
  [
    catalogue.adminRightsStatement,
    [
      (model, session) => {
        // A class of permissions that Azure SQL Database does not have.
        if (model.azure) return [{ alterAnyLogin: null, controlServer: null, sysadmin: null }];
        return [
          {
            alterAnyLogin: mayOnServer(model, session, 'ALTER ANY LOGIN') ? 1 : 0,
            controlServer: mayOnServer(model, session, 'CONTROL SERVER') ? 1 : 0,
            sysadmin: isSysadmin(model, session) ? 1 : 0,
          },
        ];
      },
      ['alterAnyLogin', 'controlServer', 'sysadmin'],
    ],
  ],
  [
    catalogue.azureAdminRightsStatement,
    [
      (model, session) => {
        const user = userOfLogin(databaseOf(model, session.database), session.name);
        return [
          {
            dbo: isSysadmin(model, session) ? 1 : 0,
            loginManager: user?.roles.has('loginmanager') === true ? 1 : 0,
            serverLoginManager: 0,
          },
        ];
      },
      ['dbo', 'loginManager', 'serverLoginManager'],
    ],
  ],
  [
    catalogue.containedUsersStatement,
    [(model) => [{ allowed: model.containedAuthentication ? 1 : 0 }], ['allowed']],
  ],
  [catalogue.workerStatement, [worker, ['edition', 'database', 'trustworthy', 'confined', 'triggers']]],
  ['SELECT 1 AS alive', [() => [{ alive: 1 }], ['alive']]],
]);

/** @see https://learn.microsoft.com/azure/azure-sql/database/transact-sql-tsql-differences-sql-server */
function requireInAzure({ database }: Identity, text: string): void {
  if (ofTheServer.has(text) || (text === catalogue.loginStatement && database !== 'master'))
    throw new SqlError(
      208,
      'Invalid object name: the view is not in Azure SQL Database, or in master alone.',
    );
}

const actingColumns = ['cookie', 'actingAs', 'sysadmin', 'controlServer', 'alterAnyLogin'];

/** Answers a query; undefined if it is not one of the rotator's. */
export function answer(
  model: Model,
  session: Identity,
  { text, values }: Statement,
  isCall: boolean,
): readonly ResultSet[] | undefined {
  if (model.azure) requireInAzure(session, text);
  if (text === catalogue.rightsStatement) return rights(model, session, values);
  if (text === catalogue.userOfSidStatement)
    return [{ rows: userOfSid(model, session, values.sid ?? ''), names: userColumns }];
  if (text === catalogue.loginTruthStatement)
    return [{ rows: loginTruth(model, session, values), names: truthColumns }];
  if (text === catalogue.actAsOwnerStatement) {
    if (isCall)
      throw new SqlError(
        15590,
        "Can only use the 'No Revert' or 'Cookie' options with the 'Execute As' statement at the adhoc level.",
      );
    return [{ rows: actAsOwner(model, session, ''), names: actingColumns }];
  }
  const found = queries.get(text);
  if (found === undefined) return undefined;
  const [ask, names] = found;
  return [{ rows: ask(model, session, values.username ?? ''), names }];
}
