import { parseArgs } from 'node:util';

export interface DemoArguments {
  readonly alternating: boolean;
  readonly document: boolean;
  readonly token: boolean;
  readonly sqlserver: boolean;
  readonly redis: boolean;
  readonly client: boolean;
  readonly keep: boolean;
  readonly sam: boolean;
  readonly json: boolean;
  readonly help: boolean;
}

export const help = `Rotates a real PostgreSQL password twice, on this machine, with nothing else needed.

Usage: npm run demo -- [OPTIONS]

Options:
  --alternating  Rotate between two users, so that the credential in use always works
  --document     Keep the secret as a connection string instead of JSON
  --sam          Rotate with the function as it is deployed, in a container; needs the SAM CLI and a Docker engine
  --token        Rotate an API token instead, where two are valid at once; then 50 times with a crash in each
  --client       Rotate ten times below an application under load that reads its secret with keyturn/client
  --sqlserver    Rotate a connection string of SQL Server instead, at a stand-in or at the server of the variable below
  --redis        Rotate a user of Valkey or Redis instead, whose old password works until the next rotation
  --keep         Leave PostgreSQL and the local Secrets Manager running until Ctrl-C
  --json         Print one JSON document and nothing else (npm run --silent demo -- --json)
  --help         Show this text

Variables:
  KEYTURN_INVOKE_IMAGE  With --sam, an image of this machine to run in, instead of AWS's, which the SAM CLI pulls
  KEYTURN_TEST_JUPYTERHUB_PYTHON  With --token, a Python that has jupyterhub: rotates at a real JupyterHub
  KEYTURN_TEST_VALKEY_SERVER  With --redis, the script that .ci/valkey prints: rotates at that Valkey; else at an installed one
  KEYTURN_TEST_SQLSERVER_URL  With --sqlserver, an ADO.NET connection string of an admin: rotates at that SQL Server
`;

/** @throws Error with one line that says what is wrong */
export function readArguments(args: readonly string[]): DemoArguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      alternating: { type: 'boolean', default: false },
      document: { type: 'boolean', default: false },
      sam: { type: 'boolean', default: false },
      token: { type: 'boolean', default: false },
      sqlserver: { type: 'boolean', default: false },
      redis: { type: 'boolean', default: false },
      client: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.json && values.keep) throw new Error('--json and --keep do not go together.');
  const { token, sqlserver, redis, client, alternating, document, sam, keep } = values;
  if (token && (alternating || document || sam || keep)) throw new Error('--token goes with --json alone.');
  if (client && (token || sqlserver || sam || keep))
    throw new Error('--client goes with --alternating, --document and --json.');
  if (sqlserver && (token || alternating || document || sam || keep))
    throw new Error('--sqlserver goes with --json alone.');
  if (redis && (token || sqlserver || client || alternating || document || sam || keep))
    throw new Error('--redis goes with --json alone.');
  return values;
}
