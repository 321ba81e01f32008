import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type pg from 'pg';
import { inject } from 'vitest';
import type { PostgresOptions } from '../../rotators/postgres/index.ts';
import { quoteIdentifier, quoteLiteral } from '../../rotators/postgres/quoting.ts';
import type { RotatorContext, SecretFields } from '../../src/index.ts';
import { withClient } from './postgres-server.ts';

/** Passwords and names that break code which pastes instead of quoting. */
export const hostileTexts = [
  `it's "quoted" \\ and \\' back`,
  '$$; DROP ROLE admin; --',
  'пароль 密码 🔑 é',
  "E'\\\\x' || chr(39)",
  '%s {0} $x `y` $1',
];

/** The options with which rotators trust the shared server. */
export function sharedOptions(): PostgresOptions {
  const { ca } = inject('postgres');
  return { ca: () => ca };
}

/** A name that no other test uses. */
export function uniqueName(base: string): string {
  return `${base} ${randomBytes(4).toString('hex')}`;
}

/** A long random password. */
export function randomPassword(): string {
  return randomBytes(15).toString('base64url');
}

/** Runs `use` as the shared server's admin. */
export function asAdmin<T>(use: (client: pg.Client) => Promise<T>, database?: string): Promise<T> {
  const { admin, host, port, ca } = inject('postgres');
  return withClient({ host, port, ca, user: admin.username, password: admin.password, database }, use);
}

export interface TestLogin {
  readonly username: string;
  readonly password: string;
}

/** Runs `use` as a login of the shared server, in a database. */
export function withLogin<T>(
  { username, password }: TestLogin,
  database: string,
  use: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const { host, port, ca } = inject('postgres');
  return withClient({ host, port, ca, user: username, password, database }, use);
}

/** The login that a secret's fields hold. */
export function loginOf({ username, password }: SecretFields): TestLogin {
  return { username: String(username), password: String(password) };
}

/** Makes a login at the shared server. */
export async function createLogin(base = 'app', password = randomPassword()): Promise<TestLogin> {
  const username = uniqueName(base);
  await asAdmin((client) =>
    client.query(`CREATE ROLE ${quoteIdentifier(username)} WITH LOGIN PASSWORD ${quoteLiteral(password)}`),
  );
  return { username, password };
}

/** A login's secret in AWS's structure. */
export function secretOf(login: TestLogin): SecretFields & TestLogin {
  const { host, port } = inject('postgres');
  return { engine: 'postgres', host, port, dbname: 'postgres', ...login };
}

/** The admin's secret in AWS's structure. */
export function adminSecret(): SecretFields & TestLogin {
  return secretOf(inject('postgres').admin);
}

/** Whether the shared server accepts a login. Anything but a refused password throws. */
export async function canLogIn({ username, password }: TestLogin): Promise<boolean> {
  const { host, port, ca } = inject('postgres');
  try {
    return await withClient({ host, port, ca, user: username, password }, async () => true);
  } catch (error) {
    if (error instanceof Error && Reflect.get(error, 'code') === '28P01') return false;
    throw error;
  }
}

/** What the shared server has logged. */
export function serverLog(): Promise<string> {
  return readFile(inject('postgres').logFile, 'utf8');
}

/** A context for calling a rotator directly, which collects its notes. */
export function rotatorContext(signal = new AbortController().signal): RotatorContext & { notes: string[] } {
  const notes: string[] = [];
  return { signal, notes, note: (message) => notes.push(message) };
}
