import { isIP } from 'node:net';
import { parseArgs } from 'node:util';
import type { LocalSecretsManager, LocalSecretsManagerOptions } from '../local/index.ts';
import { isHostName, isOrigin } from '../local/protocol/admission.ts';
import { type Command, exitCodes, UsageError } from './command.ts';
import { createSayer, readPort } from './console.ts';
import { disturbanceHelp, disturbanceOptions, parseDisturbance } from './local-disturbance.ts';
import { describeEvent } from './local-events.ts';
import { firstSignal } from './signals.ts';

const helpText = `keyturn local: a Secrets Manager on this machine, which any AWS SDK and the AWS CLI can talk to

Usage: keyturn local [OPTIONS]

The first line of output is its URL. Then each call and each step of a rotation is a line, which never holds a value.
SIGTERM or Ctrl-C ends it.

Options:
  --port N                 Port to listen on (default: any that is free)
  --host HOST              Address to listen on (default: 127.0.0.1)
  --host-name NAME         Name in clients' URLs besides localhost, such as host.docker.internal; may be repeated
  --allow-origin ORIGIN    Web pages that may call it, such as http://localhost:3000; may be repeated
  --data DIR               Keep the secrets, encrypted, in this folder (default: in memory)
  --lambda-endpoint URL    The Lambda API with the rotation functions, such as that of sam local start-lambda
  --region REGION          Region in ARNs (default: us-east-1)
  --enforce                Check signatures, and allow only what the policies of --policies and of secrets allow
  --policies FILE          JSON with the principals and KMS keys for --enforce
  --console                Serve the web page of keyturn console as well
  --console-port N         Port of that page (default: any that is free)
  --json                   Print one JSON document per line
  --help                   Show this text

${disturbanceHelp}`;

/** `keyturn local`: runs the local Secrets Manager until it is told to end. */
export const localCommand: Command = {
  name: 'local',
  summary: 'Run a Secrets Manager on this machine',
  help: helpText,
  run,
};

async function run(args: readonly string[]): Promise<number> {
  const { json, policyFile, consolePort, ...rest } = parseOptions(args);
  const options = { ...rest, ...(policyFile !== undefined && (await enforcing(policyFile))) };
  warnOfOpenHost(options);
  const ended = firstSignal();
  // Loaded here, so that help and mistakes are answered at once.
  const { startLocalSecretsManager } = await import('../local/index.ts');
  const local = await startLocalSecretsManager(options);
  announce(local, options, json);
  const console_ =
    consolePort === undefined ? undefined : await serveConsole(local, options, consolePort, json);
  await ended;
  await console_?.close();
  await local.close();
  return exitCodes.done;
}

interface Options extends LocalSecretsManagerOptions {
  readonly json: boolean;
  /** Undefined if nothing is enforced. */
  readonly policyFile: string | undefined;
  /** Undefined without a console. */
  readonly consolePort: number | undefined;
}

function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      port: { type: 'string', default: '0' },
      host: { type: 'string', default: '127.0.0.1' },
      'host-name': { type: 'string', multiple: true, default: [] },
      'allow-origin': { type: 'string', multiple: true, default: [] },
      data: { type: 'string' },
      'lambda-endpoint': { type: 'string' },
      region: { type: 'string', default: 'us-east-1' },
      enforce: { type: 'boolean', default: false },
      policies: { type: 'string' },
      console: { type: 'boolean', default: false },
      'console-port': { type: 'string' },
      json: { type: 'boolean', default: false },
      ...disturbanceOptions,
    },
  });
  const endpoint = values['lambda-endpoint'];
  if (values.host === '') throw new UsageError('--host must be an address or a name');
  return {
    port: readPort('--port', values.port),
    host: values.host,
    hostNames: values['host-name'].map(parseHostName),
    allowedOrigins: values['allow-origin'].map(parseOrigin),
    region: parseRegion(values.region),
    json: values.json,
    policyFile: parsePolicyFile(values.enforce, values.policies),
    consolePort: parseConsolePort(values.console, values['console-port']),
    ...(values.data !== undefined && { dataDirectory: parseDirectory(values.data) }),
    ...(endpoint !== undefined && { lambdaEndpoint: parseUrl(endpoint) }),
    ...parseDisturbance(values),
  };
}

function parseConsolePort(isWanted: boolean, port: string | undefined): number | undefined {
  if (isWanted) return readPort('--console-port', port ?? '0');
  if (port === undefined) return undefined;
  throw new UsageError('--console-port goes with --console');
}

function parseHostName(text: string): string {
  if (isHostName(text)) return text;
  throw new UsageError(`--host-name must be a name or an address without a port, not '${text}'`);
}

function parseOrigin(text: string): string {
  if (isOrigin(text)) return text;
  throw new UsageError(`--allow-origin must be like http://localhost:3000, not '${text}'`);
}

function parseRegion(text: string): string {
  if (/^[a-z]+(-[a-z]+)+-\d+$/.test(text)) return text;
  throw new UsageError(`--region must be the name of a region, such as us-east-1, not '${text}'`);
}

function parseDirectory(text: string): string {
  if (text !== '') return text;
  throw new UsageError('--data must name a folder');
}

function parsePolicyFile(enforce: boolean, path: string | undefined): string | undefined {
  if (enforce === (path !== undefined)) return path;
  throw new UsageError(
    '--enforce and --policies FILE go together: the file says whose access keys there are',
  );
}

async function enforcing(path: string): Promise<LocalSecretsManagerOptions> {
  // Loaded here, so that a command without --enforce starts fast.
  const { readPolicyFile } = await import('./policies.ts');
  return { policies: 'enforce', ...(await readPolicyFile(path)) };
}

function parseUrl(text: string): string {
  if (/^https?:\/\//.test(text) && URL.canParse(text)) return text;
  throw new UsageError(`--lambda-endpoint must be an http or https URL, not '${text}'`);
}

function warnOfOpenHost({ host = '', policies }: LocalSecretsManagerOptions): void {
  if (host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))) return;
  const danger =
    policies === 'enforce' ? 'secrets are sent to them in plaintext' : 'it lets everybody read every secret';
  process.stderr.write(`keyturn local: warning: on ${host} other machines may reach it, and ${danger}\n`);
}

function announce(local: LocalSecretsManager, { seed }: LocalSecretsManagerOptions, json: boolean): void {
  // A script may read the URL and close the pipe. The server stays.
  process.stdout.on('error', () => {});
  const print = (line: string) => void process.stdout.write(`${line}\n`);
  print(
    json ? JSON.stringify({ type: 'listening', url: local.url }) : `Secrets Manager listens on ${local.url}`,
  );
  if (seed !== undefined)
    print(json ? JSON.stringify({ type: 'disturbed', seed }) : `disturbed on request, with --seed ${seed}`);
  local.on((event) => print(json ? JSON.stringify(event) : describeEvent(event)));
}

/** Serves the console on 127.0.0.1, wherever the Secrets Manager listens. */
async function serveConsole(
  local: LocalSecretsManager,
  { policies, principals = [], roles, keys }: LocalSecretsManagerOptions,
  port: number,
  json: boolean,
) {
  const { startConsole } = await import('../console/index.ts');
  const say = createSayer(json);
  const { region } = local.clientConfig;
  const starting = startConsole({
    place: { endpoint: local.url, region },
    kind: 'local',
    environment: process.env,
    policies: policies === 'enforce' ? { principals, roles, keys } : undefined,
    port,
    events: local.on,
    note: say.note,
  });
  // If the console can't start, the Secrets Manager ends too.
  const started = await starting.catch(async (error: unknown) => {
    await local.close();
    throw error;
  });
  say.address(started.address());
  return started;
}
