import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text as streamText } from 'node:stream/consumers';
import { parse as parseTedious } from '@tediousjs/connection-string';
import dotenv from 'dotenv';
import { Redis } from 'ioredis';
import { MongoClient } from 'mongodb';
import mssql from 'mssql';
import { parse as parsePg } from 'pg-connection-string';
import { describe, expect, it } from 'vitest';
import { readDocument } from '../../src/index.ts';
import { passwordFor } from '../../src/rotation/new-password.ts';

/** What a reader finds in a text; undefined if it refuses the text. */
type Login = readonly [user: string, password: string, host: string] | undefined;
type Reader = (texts: readonly string[]) => Promise<Login[]>;

const folder = join(import.meta.dirname, '../support/readers');
const { KEYTURN_TEST_READERS_GO, KEYTURN_TEST_READERS_PYTHON, KEYTURN_TEST_READERS_JAVA } = process.env;

/** A program that reads a line for each text, and answers with one. */
function program(command: readonly string[] | undefined, name: string): Reader | undefined {
  const [file, ...parameters] = command ?? [];
  if (file === undefined) return undefined;
  return async (texts) => {
    const child = spawn(file, parameters, { stdio: ['pipe', 'pipe', 'inherit'] });
    child.stdin.end(texts.map((text) => `${name}\t${Buffer.from(text).toString('base64')}\n`).join(''));
    const lines = (await streamText(child.stdout)).trimEnd().split('\n');
    expect(lines).toHaveLength(texts.length);
    return lines.map((line) => {
      if (line === 'error') return undefined;
      const [user = '', password = '', host = ''] = line
        .split('\t')
        .map((part) => Buffer.from(part, 'base64').toString());
      return [user, password, host];
    });
  };
}

const go = (name: string) =>
  program(KEYTURN_TEST_READERS_GO === undefined ? undefined : [KEYTURN_TEST_READERS_GO], name);
const python = (name: string) =>
  program(
    KEYTURN_TEST_READERS_PYTHON === undefined
      ? undefined
      : [KEYTURN_TEST_READERS_PYTHON, join(folder, 'readers.py')],
    name,
  );
const java = (name: string) =>
  program(
    KEYTURN_TEST_READERS_JAVA === undefined
      ? undefined
      : ['java', '-cp', KEYTURN_TEST_READERS_JAVA, join(folder, 'Readers.java')],
    name,
  );

const here =
  (read: (text: string) => Login): Reader =>
  async (texts) =>
    texts.map(read);

const nodeMssql = here((text) => {
  const { user = '', password = '', server } = mssql.ConnectionPool.parseConnectionString(text);
  return [user, password, server];
});
const nodePairs = here((text) => {
  const read = parseTedious(text);
  return [
    read.get('user id') ?? read.get('uid') ?? '',
    read.get('password') ?? read.get('pwd') ?? '',
    read.get('server') ?? '',
  ];
});
const nodePg = here((text) => {
  const { user = '', password = '', host } = parsePg(text);
  return [user, password, host ?? ''];
});
const nodeRedis = here((text) => {
  const client = new Redis(text, { lazyConnect: true });
  const { username, password, host } = client.options;
  client.disconnect();
  return [username ?? '', password ?? '', host ?? ''];
});
const nodeMongo = here((text) => {
  const { credentials, hosts } = new MongoClient(text).options;
  return [credentials?.username ?? '', credentials?.password ?? '', hosts[0]?.host ?? ''];
});
const nodeDotenv = here((text) => {
  const { DB_USER = '', DB_PASSWORD = '', DB_HOST = '' } = dotenv.parse(text);
  return [DB_USER, DB_PASSWORD, DB_HOST];
});

interface Case {
  readonly reader: string;
  readonly text: string;
  readonly read: Reader | undefined;
  /** What must be installed for it. */
  readonly needs?: string;
}

const adoNet = 'Server=db;Database=shop;User Id=app;Password=OLD;Encrypt=True';
const odbc = 'Driver={ODBC Driver 18 for SQL Server};Server=db;Database=shop;UID=app;PWD=OLD';
const lines = 'DB_HOST=db\nDB_USER=app\nDB_PASSWORD=OLD\n';
const byGo = { needs: 'Go (KEYTURN_TEST_READERS_GO)' };
const byPython = { needs: "Python's drivers (KEYTURN_TEST_READERS_PYTHON)" };
const byJava = { needs: "JDBC's drivers (KEYTURN_TEST_READERS_JAVA)" };

const cases: readonly Case[] = [
  { reader: 'npm mssql', text: adoNet, read: nodeMssql },
  { reader: 'npm @tediousjs/connection-string', text: 'Server=db;UID=app;PWD=OLD', read: nodePairs },
  { reader: 'npm pg-connection-string', text: 'postgres://app:OLD@db/shop', read: nodePg },
  {
    reader: 'npm pg-connection-string',
    text: 'postgres://db/shop?user=app&password=OLD&application_name=a b',
    read: nodePg,
  },
  { reader: 'npm ioredis', text: 'rediss://app:OLD@db:6380/0', read: nodeRedis },
  { reader: 'npm mongodb', text: 'mongodb://app:OLD@db/shop?tls=true', read: nodeMongo },
  { reader: 'npm dotenv', text: lines, read: nodeDotenv },
  { reader: 'npm dotenv', text: lines.replace('OLD', "'OLD'"), read: nodeDotenv },
  { reader: 'go-mssqldb 1.9.2, ADO.NET', text: adoNet, read: go('mssql'), ...byGo },
  {
    reader: 'go-mssqldb 1.9.2, URL',
    text: 'sqlserver://app:OLD@db?database=shop',
    read: go('mssql'),
    ...byGo,
  },
  {
    reader: 'go-mssqldb 1.9.2, odbc:',
    text: 'odbc:server=db;user id=app;password={OLD};database=shop',
    read: go('mssql'),
    ...byGo,
  },
  { reader: 'pgx, URL', text: 'postgres://app:OLD@db/shop', read: go('pgx'), ...byGo },
  { reader: 'pgx, keywords', text: 'host=db user=app password=OLD dbname=shop', read: go('pgx'), ...byGo },
  {
    reader: 'SQLAlchemy, psycopg2',
    text: 'postgresql+psycopg2://app:OLD@db/shop',
    read: python('sqlalchemy'),
    ...byPython,
  },
  {
    reader: 'SQLAlchemy, asyncpg',
    text: 'postgresql+asyncpg://app:OLD@db/shop',
    read: python('sqlalchemy'),
    ...byPython,
  },
  {
    reader: 'SQLAlchemy, PyMySQL',
    text: 'mysql+pymysql://app:OLD@db/shop',
    read: python('sqlalchemy'),
    ...byPython,
  },
  {
    reader: 'SQLAlchemy, pymssql',
    text: 'mssql+pymssql://app:OLD@db/shop',
    read: python('sqlalchemy'),
    ...byPython,
  },
  {
    reader: 'SQLAlchemy, pyodbc',
    text: 'mssql+pyodbc://app:OLD@db/shop?driver=ODBC+Driver+18+for+SQL+Server',
    read: python('sqlalchemy'),
    ...byPython,
  },
  {
    reader: 'SQLAlchemy, odbc_connect',
    text: `mssql+pyodbc:///?odbc_connect=${encodeURIComponent(odbc)}`,
    read: python('sqlalchemy'),
    ...byPython,
  },
  { reader: 'psycopg, URL', text: 'postgresql://app:OLD@db/shop', read: python('psycopg'), ...byPython },
  {
    reader: 'psycopg, keywords',
    text: "host=db user=app password='OLD' dbname=shop",
    read: python('psycopg'),
    ...byPython,
  },
  { reader: 'asyncpg', text: 'postgresql://app:OLD@db/shop', read: python('asyncpg'), ...byPython },
  { reader: 'dj-database-url', text: 'postgis://app:OLD@db/shop', read: python('django'), ...byPython },
  { reader: 'python-dotenv', text: lines, read: python('dotenv'), ...byPython },
  {
    reader: 'mssql-jdbc',
    text: 'jdbc:sqlserver://db;databaseName=shop;user=app;password=OLD',
    read: java('mssql'),
    ...byJava,
  },
  {
    reader: 'mssql-jdbc, braces',
    text: 'jdbc:sqlserver://db;userName=app;password={OLD};encrypt=true',
    read: java('mssql'),
    ...byJava,
  },
  {
    reader: 'pgjdbc',
    text: 'jdbc:postgresql://db/shop?user=app&password=OLD',
    read: java('postgres'),
    ...byJava,
  },
  {
    reader: 'MySQL Connector/J',
    text: 'jdbc:mysql://db/shop?user=app&password=OLD',
    read: java('mysql'),
    ...byJava,
  },
  {
    reader: 'MySQL Connector/J, user before the host',
    text: 'jdbc:mysql://app:OLD@db/shop',
    read: java('mysql'),
    ...byJava,
  },
  {
    reader: 'jTDS',
    text: 'jdbc:jtds:sqlserver://db/shop;user=app;password=OLD',
    read: java('jtds'),
    ...byJava,
  },
];

const old = 'Kq7-mT2.vR9_xW4';
const wide = { excludeCharacters: '' };

describe('the readers that applications bring', () => {
  for (const { reader, text, read, needs } of cases) {
    it.skipIf(read === undefined)(
      `${reader} reads before and after: ${text}${read === undefined ? ` (skipped: no ${needs})` : ''}`,
      async () => {
        if (read === undefined) return;
        const whole = text.replace('OLD', old);
        const document = readDocument(whole);
        const passwords = Array.from({ length: 270 }, (_, index) =>
          passwordFor(document, {}, index < 135 ? {} : wide),
        );
        const [before, ...after] = await read([
          whole,
          ...passwords.map((password) => document.write({ password })),
        ]);
        expect(before?.slice(0, 2)).toEqual(['app', old]);
        const [, , host = ''] = before ?? [];
        expect(after).toEqual(passwords.map((password) => ['app', password, host]));
      },
    );
  }
});

describe('where readers differ, Keyturn reads as those of the form do', () => {
  const differing: readonly (Case & { readonly expected: Login | 'refused' })[] = [
    {
      reader: 'mssql-jdbc',
      text: 'jdbc:sqlserver://db;user=a;user=b;password=c;password=d',
      read: java('mssql'),
      expected: ['b', 'd', 'db'],
      ...byJava,
    },
    {
      reader: 'mssql-jdbc',
      text: 'jdbc:sqlserver://db;uid=a;pwd=b',
      read: java('mssql'),
      expected: ['', '', 'db'],
      ...byJava,
    },
    {
      reader: 'pgjdbc',
      text: 'jdbc:postgresql://db/shop?user=a&username=b&password=c&pwd=d',
      read: java('postgres'),
      expected: ['a', 'c', 'db'],
      ...byJava,
    },
    {
      reader: 'jTDS',
      text: 'jdbc:jtds:sqlserver://db/shop;user=a;password={b}',
      read: java('jtds'),
      expected: ['a', '{b}', 'db'],
      ...byJava,
    },
    {
      reader: 'go-mssqldb',
      text: 'server=db;user id=a;uid=b;password=c;pwd=d',
      read: go('mssql'),
      expected: ['b', 'd', 'db'],
      ...byGo,
    },
    {
      reader: 'psycopg',
      text: 'host=db user=a user=b password=c password=d',
      read: python('psycopg'),
      expected: ['b', 'd', 'db'],
      ...byPython,
    },
  ];
  for (const { reader, text, read, needs, expected } of differing) {
    it.skipIf(read === undefined)(
      `${reader}: ${text}${read === undefined ? ` (skipped: no ${needs})` : ''}`,
      async () => {
        if (read === undefined) return;
        expect(await read([text])).toEqual([expected]);
        const { username = '', password = '', host = '' } = readDocument(text).fields;
        expect([username, password, host]).toEqual(expected);
      },
    );
  }
});
