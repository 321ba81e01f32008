import * as catalogue from '../../../rotators/sqlserver/catalogue.ts';
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
import type { Row } from './tokens.ts';

interface Answer {
  readonly rows: readonly Row[];
  readonly names: readonly string[];
}

type Ask = (model: Model, session: Identity, username: string) => readonly Row[];

function isSysadmin(model: Model, session: Identity): boolean {
  return model.logins.get(session.name)?.roles.has('sysadmin') === true;
}

function sees(model: Model, session: Identity, name: string): boolean {
  return session.name === name || isSysadmin(model, session);
}

const account: Ask = (model, session, username) => {
  const database = databaseOf(model, session.database);
  const user = database.users.get(username);
  const kind = user === undefined ? null : user.password === undefined ? 1 : 2;
  return [
    {
      edition: 3,
      currentDatabase: database.name,
      containment: database.contained ? 1 : 0,
      authenticationType: kind,
    },
  ];
};

const login: Ask = (model, session, username) => {
  const found = model.logins.get(username);
  if (found === undefined || !sees(model, session, username)) return [];
  const { name, defaultDatabase, defaultLanguage, policyChecked, expirationChecked, barred } = found;
  const locked = barred === 18486 ? 1 : 0;
  return [{ name, defaultDatabase, defaultLanguage, policyChecked, expirationChecked, locked }];
};

const databases: Ask = (model, session) =>
  [...model.databases.values()].map((database) => ({
    name: database.name,
    readOnly: false,
    accessible: mayEnter(model, session, database) ? 1 : 0,
    visible: isSysadmin(model, session) ? 1 : 0,
  }));

function describeUser(model: Model, session: Identity, user: StandInUser | undefined): readonly Row[] {
  if (user === undefined || !sees(model, session, user.login ?? user.name)) return [];
  return [{ name: user.name, defaultSchema: user.defaultSchema, defaultLanguage: user.defaultLanguage }];
}

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

const inDatabase = (model: Model, session: Identity, username: string): Principal | undefined =>
  databaseOf(model, session.database).users.get(username);

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
const views = ['sys.database_scoped_credentials', 'sys.external_languages'];

/** The questions of the rotator, known by their very text, and the columns of their answers. */
const queries = new Map<string, readonly [Ask, readonly string[]]>([
  [
    catalogue.accountStatement,
    [account, ['edition', 'currentDatabase', 'containment', 'authenticationType']],
  ],
  [
    catalogue.loginStatement,
    [login, ['name', 'defaultDatabase', 'defaultLanguage', 'policyChecked', 'expirationChecked', 'locked']],
  ],
  [catalogue.databasesStatement, [databases, ['name', 'readOnly', 'accessible', 'visible']]],
  [catalogue.userOfLoginStatement, [loginsUser, userColumns]],
  [catalogue.userStatement, [user, userColumns]],
  [catalogue.serverRolesStatement, [(model, _, name) => rolesOf(model.logins.get(name)), ['name', 'direct']]],
  [catalogue.databaseRolesStatement, [(...asked) => rolesOf(inDatabase(...asked)), ['name', 'direct']]],
  [
    catalogue.serverPermissionsStatement,
    [(model, _, name) => grantsOf(model.logins.get(name)), permissionColumns],
  ],
  [
    catalogue.databasePermissionsStatement(new Set(views)),
    [(...asked) => grantsOf(inDatabase(...asked)), permissionColumns],
  ],
  [
    catalogue.newerViewsStatement,
    [() => [Object.fromEntries(views.map((view, index) => [view, index]))], views],
  ],
  [catalogue.updateableStatement, [() => [{ updateability: 'READ_WRITE' }], ['updateability']]],
  [
    catalogue.adminRightsStatement,
    [
      (model, session) => {
        const right = isSysadmin(model, session) ? 1 : 0;
        return [{ server: right, database: right }];
      },
      ['server', 'database'],
    ],
  ],
  ['SELECT 1 AS alive', [() => [{ alive: 1 }], ['alive']]],
]);

/** Answers a question, or undefined where it is none of the rotator's. */
export function answer(model: Model, session: Identity, text: string, username = ''): Answer | undefined {
  const found = queries.get(text);
  if (found === undefined) return undefined;
  const [ask, names] = found;
  return { rows: ask(model, session, username), names };
}
