import type { TestProject } from 'vitest/node';
import { startPostgres } from './postgres-server.ts';

/** The server that all tests share. Each test makes its own roles and tables. */
export interface SharedPostgres {
  readonly host: string;
  readonly port: number;
  readonly admin: { readonly username: string; readonly password: string };
  readonly ca: string;
  /** File that holds the server's log. */
  readonly logFile: string;
}

declare module 'vitest' {
  export interface ProvidedContext {
    postgres: SharedPostgres;
  }
}

/** Starts one PostgreSQL for the whole run. It logs every statement, for tests that search the log for secrets. */
export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const server = await startPostgres({ settings: ["log_statement = 'all'", 'max_connections = 200'] });
  const { host, port, admin, ca, logFile } = server;
  if (ca === undefined) throw new Error('The shared PostgreSQL has TLS.');
  provide('postgres', { host, port, admin, ca, logFile });
  return () => server.stop();
}
