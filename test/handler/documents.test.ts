import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { postgres, postgresAlternatingUsers } from '../../rotators/postgres/index.ts';
import { readDocument } from '../../src/index.ts';
import {
  adminSecret,
  asAdmin,
  canLogIn,
  createLogin,
  hostileTexts,
  loginOf,
  sharedOptions,
  type TestLogin,
} from '../support/postgres-fixtures.ts';
import { type RotationFixture, startFixture } from '../support/rotation-fixture.ts';

/** A secret's form: how a login is written in it, and the driver that logs in with the text itself. */
interface Form {
  readonly name: string;
  write(login: TestLogin, place: { readonly host: string; readonly port: number }): string;
  /** Logs in with the text. @returns the user's name */
  logIn(text: string): Promise<string>;
}

/** Logs in with `pg`, which reads the URL by itself. */
async function byPg(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url, ssl: { ca: inject('postgres').ca } });
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string }>('SELECT session_user AS name');
    return rows[0]?.name ?? '';
  } finally {
    await client.end();
  }
}

/** Logs in with the libpq of the server, by dblink. */
async function byLibpq(text: string): Promise<string> {
  const { rows } = await asAdmin((client) =>
    client.query<{ name: string }>('SELECT name FROM dblink($1, $2) AS found(name text)', [
      text,
      'SELECT session_user',
    ]),
  );
  return rows[0]?.name ?? '';
}

const inUrl = encodeURIComponent;
const inLibpq = (value: string): string => `'${value.replace(/['\\]/g, '\\$&')}'`;

const url: Form = {
  name: 'a postgres:// URL',
  write: ({ username, password }, { host, port }) =>
    `postgres://${inUrl(username)}:${inUrl(password)}@${host}:${port}/postgres?application_name=shop%20app`,
  logIn: async (text) => {
    expect(await byLibpq(text)).toBe(await byPg(text));
    return byPg(text);
  },
};

const forms: readonly Form[] = [
  url,
  {
    name: 'a URL with parameters',
    write: ({ username, password }, { host, port }) =>
      `postgresql://${host}:${port}/postgres?user=${inUrl(username)}&application_name=a&password=${inUrl(password)}`,
    logIn: url.logIn,
  },
  {
    name: 'a libpq string',
    write: ({ username, password }, { host, port }) =>
      `host = ${host}  port=${port} user=${inLibpq(username)} password=${inLibpq(password)} dbname=postgres application_name='a b'`,
    logIn: byLibpq,
  },
  {
    name: 'a JDBC URL',
    write: ({ username, password }, { host, port }) =>
      `jdbc:postgresql://${host}:${port}/postgres?ApplicationName=a&user=${inUrl(username)}&password=${inUrl(password)}`,
    logIn: (text) => byPg(text.slice('jdbc:'.length)),
  },
  {
    name: 'JSON with a connection string alone',
    write: (login, place) =>
      JSON.stringify({ Connections: { Main: url.write(login, place) }, note: [1] }, null, 2),
    logIn: (text) => byPg(JSON.parse(text).Connections.Main),
  },
  {
    name: 'JSON with a connection string beside its fields',
    write: (login, place) =>
      JSON.stringify({ ...login, ...place, engine: 'postgres', url: url.write(login, place), pool: 5 }),
    logIn: async (text) => {
      const { url: inner, username, password } = JSON.parse(text);
      expect(await canLogIn({ username, password })).toBe(true);
      return byPg(inner);
    },
  },
];

async function textOf(fixture: RotationFixture, SecretId: string): Promise<string> {
  const { SecretString = '' } = await fixture.client.send(new GetSecretValueCommand({ SecretId }));
  return SecretString;
}

function place(): { host: string; port: number } {
  const { host, port } = inject('postgres');
  return { host, port };
}

/** The text without the credential, for comparing what must not change. */
function frame(text: string): string {
  return readDocument(text).write({ username: 'U', password: 'P' });
}

describe.each(forms)('rotating $name', (form) => {
  let fixture: RotationFixture;
  let next = 0;
  beforeAll(async () => {
    await asAdmin((client) => client.query('CREATE EXTENSION IF NOT EXISTS dblink'));
    const single = postgres(sharedOptions());
    const alternating = postgresAlternatingUsers(sharedOptions());
    // Passwords that a person may choose, although no generator makes them.
    const password = (): string => hostileTexts[next++ % hostileTexts.length] ?? '';
    fixture = await startFixture({
      rotators: [
        { ...single, generate: async () => ({ password: password() }) },
        {
          ...alternating,
          generate: async ({ pair }) => ({ username: pair.alternate, password: password() }),
        },
      ],
    });
  });
  afterAll(() => fixture.close());

  it('changes the password and nothing else, whatever characters it has', async () => {
    let login = await createLogin('form');
    const before = form.write(login, place());
    const arn = await fixture.createSecret(before);
    for (let turn = 0; turn < hostileTexts.length; turn += 1) {
      expect(await fixture.rotate(arn)).toBeUndefined();
      const after = await textOf(fixture, arn);
      expect(frame(after)).toBe(frame(before));
      const now = loginOf(readDocument(after).fields);
      expect(now.password).not.toBe(login.password);
      expect(await form.logIn(after)).toBe(login.username);
      expect(await canLogIn(login)).toBe(false);
      login = now;
    }
    expect(fixture.recorded.reports.every(({ refusedLogins }) => refusedLogins === 0)).toBe(true);
  });

  it('alternates between users, with the admin secret that the tag names', async () => {
    const login = await createLogin('form', hostileTexts[1]);
    const admin = await fixture.createSecret(url.write(adminSecret(), place()));
    const before = form.write(login, place());
    const arn = await fixture.createSecret(before, { 'keyturn:admin': admin });
    for (const user of [`${login.username}_clone`, login.username]) {
      expect(await fixture.rotate(arn)).toBeUndefined();
      const after = await textOf(fixture, arn);
      expect(frame(after)).toBe(frame(before));
      expect(await form.logIn(after)).toBe(user);
    }
  });
});

describe('documents in a rotation', () => {
  let fixture: RotationFixture;
  beforeAll(async () => {
    fixture = await startFixture();
  });
  afterAll(() => fixture.close());

  it('get passwords that need no code in a URL', async () => {
    const login = await createLogin('form');
    const arn = await fixture.createSecret(url.write(login, place()));
    expect(await fixture.rotate(arn)).toBeUndefined();
    const after = await textOf(fixture, arn);
    expect(after).toContain(`:${readDocument(after).fields.password}@`);
    expect(await url.logIn(after)).toBe(login.username);
  });

  it('are read by the names that the tag gives', async () => {
    const login = await createLogin('form');
    const admin = adminSecret();
    const inOwnNames = ({ username, password }: TestLogin): string =>
      JSON.stringify({ login: username, auth: { pass: password }, engine: 'postgres', ...place() });
    const tags = { 'keyturn:fields': 'username=login password=auth.pass', 'keyturn:form': 'json' };
    const masterarn = await fixture.createSecret(inOwnNames(admin), tags);
    const arn = await fixture.createSecret(inOwnNames(login), { ...tags, 'keyturn:admin': masterarn });
    expect(await fixture.rotate(arn)).toBeUndefined();
    const after = JSON.parse(await textOf(fixture, arn));
    expect(after).toEqual({
      login: `${login.username}_clone`,
      auth: { pass: after.auth.pass },
      engine: 'postgres',
      ...place(),
    });
    expect(await canLogIn({ username: after.login, password: after.auth.pass })).toBe(true);
  });

  it.each([
    ['postgres://app:do-not-show#this@db/x', {}, /^MalformedSecret: .*at character \d+: .*percent-encoded/],
    [
      "host=db password='do-not-show",
      {},
      /^MalformedSecret: .*at character \d+: a quoted value does not end/,
    ],
    [
      'postgres://app:do-not-show@db/x',
      { 'keyturn:form': 'json' },
      /^MalformedSecret: .*at character 1: no value/,
    ],
    [
      'postgres://app:do-not-show@db/x',
      { 'keyturn:form': 'xml' },
      /^InvalidConfiguration: The tag keyturn:form/,
    ],
    [
      'postgres://app:do-not-show@db/x',
      { 'keyturn:fields': 'x' },
      /^InvalidConfiguration: The tag keyturn:fields/,
    ],
    ['mysql://app:do-not-show@db/x', {}, /^UnknownRotator/],
    [
      'do-not-show-0123456789',
      { 'keyturn:rotator': 'postgres' },
      /^InvalidSecretField: .*"username" is missing/,
    ],
  ])('that can not be rotated are named, and not shown: %j with %j', async (text, tags, message) => {
    const arn = await fixture.createSecret(text, tags);
    const failure = await fixture.rotate(arn);
    expect(failure).toMatch(message);
    const seen = JSON.stringify([failure, fixture.recorded.notes, fixture.recorded.reports]);
    expect(seen).not.toContain('do-not-show');
    expect(await textOf(fixture, arn)).toBe(text);
  });
});
