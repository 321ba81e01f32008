import { expect } from 'vitest';
import { sqlServer, sqlServerAlternatingUsers } from '../../../rotators/sqlserver/index.ts';
import type { SecretFields } from '../../../src/index.ts';
import { rotatorContext } from '../../support/postgres-fixtures.ts';
import { randomPassword, type SqlServerHarness, type TestLogin } from '../../support/tds/harness.ts';

/** Changes a login's password as core would for a single user; `using` opens the session. */
export async function changeSingle(
  harness: SqlServerHarness,
  secret: SecretFields,
  password: string,
  using: SecretFields = secret,
): Promise<string[]> {
  const rotator = sqlServer(harness.options);
  const context = rotatorContext();
  const [current, opener] = [rotator.parse(secret), rotator.parse(using)];
  const session = await rotator.open(opener, context);
  if (session === undefined) throw new Error('The login was refused.');
  try {
    await rotator.change(session, { ...current, password }, { ...context, using: opener, current });
  } finally {
    await session.close();
  }
  return context.notes;
}

/** Changes and verifies the next login by the admin, as in one rotation. @returns that login */
export async function rotateAlternating(
  harness: SqlServerHarness,
  secret: SecretFields,
  {
    password = randomPassword(),
    admin = harness.adminSecret(),
  }: { password?: string; admin?: SecretFields } = {},
): Promise<TestLogin & { readonly notes: string[] }> {
  const rotator = sqlServerAlternatingUsers(harness.options);
  const context = rotatorContext();
  const current = rotator.parse(secret);
  const generated = await rotator.generate(current, { ...context, password: () => password });
  const pending = rotator.parse({ ...secret, ...generated });
  expect(rotator.target(pending)).toEqual(rotator.target(current));
  const using = rotator.parse({ ...admin, dbname: secret.dbname });
  const session = await rotator.open(using, context);
  if (session === undefined) throw new Error('The admin was refused.');
  try {
    await rotator.change(session, pending, { ...context, using, current });
  } finally {
    await session.close();
  }
  const proof = await rotator.open(pending, context);
  if (proof === undefined) throw new Error('The pending login was refused.');
  try {
    await rotator.verify?.(proof, pending, { ...context, current });
  } finally {
    await proof.close();
  }
  return { username: pending.username, password: pending.password, notes: context.notes };
}

/** The meaning of an error, as core sees it. */
export async function codeOf(work: Promise<unknown>): Promise<string | undefined> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error === undefined) return undefined;
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  const isKeyturns = error instanceof Error && error.name === code;
  return isKeyturns ? String(code) : sqlServer().classify?.(error, 'change');
}
