import { type ProgramOptions, programHelp, readOptions } from '../../scripts/program.ts';

const flag = (about: string) => ({ type: 'boolean', default: false, about }) as const;

const options = {
  alternating: flag('Rotate between two users, so that the credential in use always works'),
  document: flag('Keep the secret as a connection string instead of JSON'),
  sam: flag(
    'Rotate with the function as it is deployed, in a container; needs the SAM CLI and a Docker engine',
  ),
  token: flag(
    'Rotate an API token instead: two are valid at once. Then rotate it 50 times, each with a crash',
  ),
  client: flag('Rotate ten times while an application under load reads its secret with keyturn/client'),
  sqlserver: flag(
    'Rotate a connection string of SQL Server instead, at a stand-in or at the server named by the variable below',
  ),
  mysql: flag('Rotate a user of MySQL or MariaDB instead, whose old password works until the next rotation'),
  redis: flag('Rotate a user of Valkey or Redis instead, whose old password works until the next rotation'),
  fleet: flag("Rotate 120 secrets of 12 hosts in waves, under AWS's quotas"),
  keep: flag('Leave PostgreSQL and the local Secrets Manager running until Ctrl-C'),
} as const satisfies ProgramOptions;

type DemoOption = keyof typeof options;

/** What each demo can be combined with, besides --json. */
const combinations: Partial<Record<DemoOption, readonly DemoOption[]>> = {
  token: [],
  sqlserver: [],
  mysql: [],
  redis: [],
  fleet: [],
  client: ['alternating', 'document'],
};

export type DemoArguments = Readonly<Record<DemoOption | 'json' | 'help', boolean>>;

export const help = programHelp({
  about: 'Rotates a real PostgreSQL password twice, on this machine. Nothing else is needed.',
  command: 'npm run demo',
  options,
  variables: {
    KEYTURN_INVOKE_IMAGE: "With --sam, a local image to run in. Without it, the SAM CLI pulls AWS's image",
    KEYTURN_TEST_JUPYTERHUB_PYTHON:
      'With --token, a Python that has jupyterhub: rotates at a real JupyterHub',
    KEYTURN_TEST_MYSQLD:
      'With --mysql, the script that .ci/mysql prints: rotates at that MySQL. Without it: at an installed MariaDB',
    KEYTURN_TEST_VALKEY_SERVER:
      'With --redis, the script that .ci/valkey prints: rotates at that Valkey. Without it: at an installed one',
    KEYTURN_TEST_SQLSERVER_URL:
      'With --sqlserver, an ADO.NET connection string of an admin: rotates at that SQL Server',
  },
});

/** @throws Error with one line that says what is wrong */
export function readArguments(args: readonly string[]): DemoArguments {
  const { values, json, help } = readOptions(options, args);
  if (json && values.keep) throw new Error('--json and --keep do not go together.');
  const given = Object.keys(options).filter((name) => Reflect.get(values, name) === true);
  for (const [name, others = []] of Object.entries(combinations)) {
    const isAlone = given.every((other) => other === name || others.some((one) => one === other));
    if (!given.includes(name) || isAlone) continue;
    const allowed = [...others.map((other) => `--${other}`), '--json']
      .join(', ')
      .replace(/, (?=--json)/, ' and ');
    throw new Error(`--${name} goes with ${others.length === 0 ? '--json alone' : allowed}.`);
  }
  return { ...values, json, help };
}
