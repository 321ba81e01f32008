import { isIP } from 'node:net';
import { parseArgs } from 'node:util';
import { isHostName } from '../local/protocol/admission.ts';
import { type Command, exitCodes, UsageError } from './command.ts';
import { firstSignal } from './signals.ts';

const helpText = `keyturn console: a web page to look at secrets, store one, watch it rotate, and see who may read it

Usage: keyturn console [OPTIONS]

It prints an address that opens the console in one browser, once. After that it prints the next address. The terminal
shows what the console does, and each reading of a value, but never a value. SIGTERM or Ctrl-C ends it.

Where the secrets are:
  --endpoint URL    A Secrets Manager that runs already, such as that of keyturn local (or AWS_ENDPOINT_URL)
  --aws             AWS itself, with the credentials that the AWS CLI finds
  --region REGION   Region (default: AWS_REGION, or the profile's; us-east-1 for a local one)
  --data DIR        Without the first two, it starts a local Secrets Manager, which keeps the secrets, encrypted, in this
                    folder (default: in memory)

Options:
  --policies FILE   JSON with principals. The console shows their policies and can act as each of them. A Secrets Manager
                    that is started here enforces the policies
  --read-only       Change nothing
  --port N          Port to listen on (default: any that is free)
  --host HOST       Address to listen on (default: 127.0.0.1); it speaks HTTP without TLS
  --host-name NAME  Name by which browsers reach it besides localhost; may be repeated
  --json            Print one JSON document per line
  --help            Show this text
`;

/** `keyturn console`: serves the console until it is told to end. */
export const consoleCommand: Command = {
  name: 'console',
  summary: 'Look at secrets, store and rotate them in a browser',
  help: helpText,
  run,
};

async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      endpoint: { type: 'string' },
      aws: { type: 'boolean', default: false },
      region: { type: 'string' },
      data: { type: 'string' },
      policies: { type: 'string' },
      'read-only': { type: 'boolean', default: false },
      port: { type: 'string', default: '0' },
      host: { type: 'string', default: '127.0.0.1' },
      'host-name': { type: 'string', multiple: true, default: [] },
      json: { type: 'boolean', default: false },
    },
  });
  const endpoint = endpointIn(values, process.env);
  if (values.data !== undefined && (endpoint !== undefined || values.aws))
    throw new UsageError(
      '--data is for a Secrets Manager that is started here: it goes without --endpoint and --aws',
    );
  if (values.data === '') throw new UsageError('--data must name a folder');
  const hostNames = values['host-name'];
  for (const name of hostNames) {
    if (!isHostName(name))
      throw new UsageError(`--host-name must be a name or an address without a port, not '${name}'`);
  }
  const port = readPort('--port', values.port);
  if (values.host === '') throw new UsageError('--host must be an address or a name');
  warnOfOpenHost('keyturn console', values.host);
  const policies =
    values.policies === undefined
      ? undefined
      : await (await import('./policies.ts')).readPolicyFile(values.policies);
  const { region } = values;
  const ended = firstSignal();
  // Loaded here, so that help and mistakes are answered at once.
  const { startConsole } = await import('../console/index.ts');
  const local =
    values.aws || endpoint !== undefined ? undefined : await startLocal(values.data, region, policies);
  const say = createSayer(values.json);
  const isAws = values.aws || (endpoint !== undefined && !isLoopback(endpoint));
  const { AWS_REGION, AWS_DEFAULT_REGION } = process.env;
  const starting = startConsole({
    place: {
      endpoint: endpoint ?? local?.url,
      region: region ?? (isAws ? AWS_REGION || AWS_DEFAULT_REGION || undefined : 'us-east-1'),
    },
    kind: isAws ? 'aws' : 'local',
    environment: process.env,
    policies,
    readOnly: values['read-only'],
    port,
    host: values.host,
    hostNames,
    events: local?.on,
    note: say.note,
  });
  // If the console can't start, the Secrets Manager ends too.
  const console_ = await starting.catch(async (error: unknown) => {
    await local?.close();
    throw error;
  });
  if (local !== undefined) say.local(local.url, values.data);
  say.address(console_.address());
  await ended;
  await console_.close();
  await local?.close();
  return exitCodes.done;
}

/** The address of a Secrets Manager. Undefined for AWS, or if one is to be started here. @throws UsageError */
function endpointIn(
  { endpoint, aws }: { readonly endpoint?: string | undefined; readonly aws: boolean },
  environment: NodeJS.ProcessEnv,
): string | undefined {
  if (endpoint !== undefined) {
    if (aws) throw new UsageError('--endpoint and --aws do not go together');
    if (/^https?:\/\//.test(endpoint) && URL.canParse(endpoint)) return endpoint;
    throw new UsageError(`--endpoint must be an http or https URL, not '${endpoint}'`);
  }
  const set = environment.AWS_ENDPOINT_URL_SECRETS_MANAGER || environment.AWS_ENDPOINT_URL || undefined;
  if (set === undefined) return undefined;
  if (aws === !isLoopback(set)) return aws ? undefined : set;
  throw new UsageError(
    aws
      ? `AWS_ENDPOINT_URL leads to ${set}, which is not AWS: unset it, or leave --aws away`
      : `AWS_ENDPOINT_URL leads to ${set}, which is not on this machine: give --aws, or --endpoint`,
  );
}

async function startLocal(
  dataDirectory: string | undefined,
  region: string | undefined,
  policies: Awaited<ReturnType<typeof import('./policies.ts')['readPolicyFile']>> | undefined,
) {
  const { startLocalSecretsManager } = await import('../local/index.ts');
  return startLocalSecretsManager({
    ...(dataDirectory !== undefined && { dataDirectory }),
    ...(region !== undefined && { region }),
    ...(policies !== undefined && { policies: 'enforce' as const, ...policies }),
  });
}

function isLoopback(url: string): boolean {
  return URL.canParse(url) && isLoopbackHost(new URL(url).hostname.replace(/^\[|\]$/g, ''));
}

function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** Warns if other machines may reach the console. */
export function warnOfOpenHost(command: string, host: string): void {
  if (isLoopbackHost(host)) return;
  process.stderr.write(
    `${command}: warning: on ${host} other machines may reach the console, and secrets are sent to browsers in plaintext\n`,
  );
}

/** @throws UsageError */
export function readPort(option: string, text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new UsageError(`${option} must be a number from 0 to 65535, not '${text}'`);
}

/** What the console says on the terminal. */
export function createSayer(json: boolean) {
  // A script may read the address and close the pipe. The console stays.
  process.stdout.on('error', () => undefined);
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  return {
    address: (address: string) =>
      print(json ? JSON.stringify({ type: 'console', address }) : `Console: ${address}`),
    local: (url: string, folder: string | undefined) =>
      print(
        json
          ? JSON.stringify({ type: 'listening', url })
          : `Secrets Manager listens on ${url}, ${folder === undefined ? 'in memory: its secrets are gone when this ends' : `in ${folder}`}`,
      ),
    note: (text: string) =>
      print(json ? JSON.stringify({ type: 'console-note', text }) : `console   ${text}`),
  };
}
