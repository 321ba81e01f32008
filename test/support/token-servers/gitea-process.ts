import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { closedPort } from '../closed-port.ts';
import { startPostgres } from '../postgres-server.ts';
import { startServerProcess } from './process.ts';

/** A Gitea that tests may use. */
export interface GiteaPlace {
  /** Its URL, with the username and the password of its administrator. */
  readonly place: string;
  stop(): Promise<void>;
}

const { KEYTURN_TEST_GITEA_URL: runningAt, KEYTURN_TEST_GITEA: installedIn } = process.env;

/** Why tests at a real Gitea are skipped; undefined if there is one. */
export const noGitea =
  runningAt === undefined && installedIn === undefined
    ? 'KEYTURN_TEST_GITEA names no folder of .ci/gitea, and KEYTURN_TEST_GITEA_URL no URL of a Gitea with its administrator.'
    : undefined;

/** The Gitea that KEYTURN_TEST_GITEA_URL names, or one that is started from the folder KEYTURN_TEST_GITEA. */
export async function findGitea(): Promise<GiteaPlace> {
  if (runningAt !== undefined) return { place: runningAt, stop: async () => undefined };
  if (installedIn === undefined) throw new Error(noGitea);
  return startGitea(installedIn);
}

/** Starts a Gitea on a Postgres of its own. @param folder of `.ci/gitea`: the binary `gitea`, and what it reads beside it */
async function startGitea(folder: string): Promise<GiteaPlace> {
  const postgres = await startPostgres({ tls: false });
  const { host, port, admin } = postgres;
  const http = await closedPort();
  const url = `http://127.0.0.1:${http}`;
  const [root, password] = ['root', `Pass-${randomUUID()}`];
  const program = join(folder, 'gitea');
  // https://docs.gitea.com/administration/config-cheat-sheet
  const settings = (work: string) => [
    `RUN_USER = ${userInfo().username}`,
    'RUN_MODE = prod',
    'I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true',
    '[server]',
    `STATIC_ROOT_PATH = ${folder}`,
    `APP_DATA_PATH = ${join(work, 'data')}`,
    'HTTP_ADDR = 127.0.0.1',
    `HTTP_PORT = ${http}`,
    `ROOT_URL = ${url}/`,
    'OFFLINE_MODE = true',
    'DISABLE_SSH = true',
    '[database]',
    'DB_TYPE = postgres',
    `HOST = ${host}:${port}`,
    'NAME = postgres',
    `USER = ${admin.username}`,
    `PASSWD = \`${admin.password}\``,
    'SSL_MODE = disable',
    '[security]',
    'INSTALL_LOCK = true',
    `SECRET_KEY = ${randomBytes(32).toString('hex')}`,
    'PASSWORD_HASH_ALGO = pbkdf2$1000$50',
    '[indexer]',
    'REPO_INDEXER_ENABLED = false',
    '[cron]',
    'ENABLED = false',
    '[log]',
    'MODE = console',
    'LEVEL = warn',
  ];
  const commandIn = async (work: string) => {
    const configuration = join(work, 'app.ini');
    await writeFile(configuration, settings(work).join('\n'));
    const env = { GITEA_WORK_DIR: work };
    const admins = ['--admin', '--username', root, '--password', password, '--email', 'root@example.com'];
    const run = promisify(execFile);
    const options = { cwd: work, env: { PATH: process.env.PATH, HOME: work, ...env } };
    await run(program, ['migrate', '--config', configuration], options);
    const made = ['admin', 'user', 'create', '--config', configuration, ...admins];
    await run(program, [...made, '--must-change-password=false'], options);
    return { program, args: ['web', '--config', configuration], env };
  };
  try {
    const { stop } = await startServerProcess('gitea', `${url}/api/healthz`, commandIn);
    return {
      place: url.replace('//', `//${root}:${password}@`),
      stop: async () => {
        await stop();
        await postgres.stop();
      },
    };
  } catch (error) {
    await postgres.stop();
    throw error;
  }
}
