import { GenericContainer, getContainerRuntimeClient, type StartedTestContainer } from 'testcontainers';
import type { SecretFields } from '../../src/index.ts';
import type { TestLogin } from '../support/postgres-fixtures.ts';

/** A database server whose credentials the suite swaps. */
export interface Database {
  /** Secret of a login in AWS's structure. */
  secretOf(login: TestLogin): SecretFields & TestLogin;
  /** The same as a connection string, as applications keep it. */
  connectionString(login: TestLogin): string;
  readonly admin: TestLogin;
  /** Makes a login, named `base` and something unique. */
  createLogin(base: string, password: string): Promise<TestLogin>;
  /** Whether the server lets a login in. Throws any error other than a refusal. */
  canLogIn(login: TestLogin): Promise<boolean>;
  /** Checks that the next user of `login` can do its work, with a right that only `login` was granted so far. */
  canWork(login: TestLogin): Promise<boolean>;
  stop(): Promise<void>;
}

/** A container of a server's image. */
export interface Image {
  readonly name: string;
  configure(container: GenericContainer): GenericContainer;
}

/** Starts a container. @returns the reason if no engine runs, or if the image can't be pulled */
export async function startContainer({
  name,
  configure,
}: Image): Promise<StartedTestContainer | { readonly missing: string }> {
  try {
    await getContainerRuntimeClient();
  } catch {
    return { missing: 'no Docker engine answers' };
  }
  try {
    return await configure(new GenericContainer(name)).start();
  } catch (error) {
    if (/pull|no such image|not found|no such host/i.test(String(error)))
      return { missing: `the image ${name} can't be had` };
    throw error;
  }
}
