import type { TestProject } from 'vitest/node';
import { startPostgres } from './postgres-server.ts';

/** How tests reach the server that all of them share; each makes roles and tables of its own in it. */
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

/** Starts one PostgreSQL for the whole run; it logs every statement, for the tests that look for secrets there. */
export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const server = await startPostgres({ settings: ["log_statement = 'all'", 'max_connections = 200'] });
  const { host, port, admin, ca, logFile } = server;
  if (ca === undefined) throw new Error('The shared PostgreSQL has TLS.');
  provide('postgres', { host, port, admin, ca, logFile });
  return () => server.stop();
}
