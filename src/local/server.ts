import type { Server } from 'node:http';
import { isIP } from 'node:net';
import { createGuard, type Guard } from './access/guard.ts';
import { accountOf, openSts } from './access/open.ts';
import type { LocalKey, LocalPrincipal, LocalRole } from './access/principals.ts';
import { type Partition, partitionOf } from './arn.ts';
import { type Clock, longestTimeoutMs, systemClock } from './clock.ts';
import { createDisturbance, type Disturbance, type DisturbanceSettings } from './disturbance/disturbance.ts';
import type { FaultRule } from './disturbance/faults.ts';
import { ServiceError, unknownOperation } from './errors.ts';
import {
  createEventHub,
  type EventBridgeEvent,
  type EventHub,
  type Listener,
  type LocalEventListener,
} from './events.ts';
import { findSecret } from './operations/secrets.ts';
import { operations } from './operations/table.ts';
import { type AdmissionSettings, createAdmission, isHostName } from './protocol/admission.ts';
import { createApiServer } from './protocol/http.ts';
import { type ApiHandler, type ApiObserver, createJsonApi } from './protocol/json-api.ts';
import { createLambdaApi } from './protocol/lambda-api.ts';
import { closeServer, listen, urlOf } from './protocol/listening.ts';
import { createOtherServices } from './protocol/other-services.ts';
import { createStsApi } from './protocol/sts-api.ts';
import type { RotationControl } from './rotation/control.ts';
import { createRotationEngine } from './rotation/engine.ts';
import {
  createFunctionRegistry,
  type LocalFunction,
  type LocalFunctionSettings,
} from './rotation/functions.ts';
import { lambdaEndpoint } from './rotation/lambda-endpoint.ts';
import { followOutcomes } from './rotation/outcomes.ts';
import { createRotationTokens } from './rotation/rotation-token.ts';
import { createScheduler } from './rotation/scheduler.ts';
import { createState, type State } from './state.ts';
import { openFileStore } from './store/file-store.ts';
import { openMemoryStore } from './store/sqlite-store.ts';

const defaultRetryDelaysMs = [500, 1_000, 2_000, 4_000];

/** How to start a local Secrets Manager. */
export interface LocalSecretsManagerOptions extends AdmissionSettings, DisturbanceSettings {
  /** The port to listen on. Default: 0, which is any free port. */
  readonly port?: number;
  /** The address to listen on. Default: 127.0.0.1. */
  readonly host?: string;
  /** The folder that keeps the secrets. Without one, the secrets are lost with the process. */
  readonly dataDirectory?: string;
  /** The clock for dates and schedules. Default: the machine's. */
  readonly clock?: Clock;
  /** The region of unsigned requests, and of functions without an ARN. Default: us-east-1. */
  readonly region?: string;
  /** The account of unsigned requests and of access keys that aren't twelve digits. Default: 123456789012. */
  readonly accountId?: string;
  /** The URL of a Lambda Invoke API for functions that aren't registered. */
  readonly lambdaEndpoint?: string;
  /** Milliseconds of real time before each further attempt of a failed rotation. Default: 500, 1000, 2000, 4000. */
  readonly retryDelaysMs?: readonly number[];
  /** `enforce`: signatures and policies are checked. Default: everybody may do everything. */
  readonly policies?: 'enforce' | undefined;
  /** The owners of access keys. Needs `policies: 'enforce'`. */
  readonly principals?: readonly LocalPrincipal[] | undefined;
  /** Roles that may be assumed. Needs `policies: 'enforce'`. */
  readonly roles?: readonly LocalRole[] | undefined;
  /** Customers' KMS keys with aliases or a policy. Needs `policies: 'enforce'`. */
  readonly keys?: readonly LocalKey[] | undefined;
}

/** An AWS SDK client's configuration for a local Secrets Manager. */
export interface LocalClientConfig {
  /** The address of the server. */
  readonly endpoint: string;
  /** The region of its secrets. */
  readonly region: string;
  /** Any credentials do, unless policies are enforced. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** A local Secrets Manager that is running. */
export interface LocalSecretsManager {
  /** Its address, such as `http://127.0.0.1:4584`. */
  readonly url: string;
  /** Options for `new SecretsManagerClient(...)`. Where policies are enforced, replace the credentials by a principal's. */
  readonly clientConfig: LocalClientConfig;
  /**
   * Registers a function of this process under a name or an ARN.
   * @returns the ARN, for RotateSecret
   * @throws Error for a malformed name or ARN, a handler that is no function, or an invalid time limit
   */
  registerFunction(nameOrArn: string, handler: LocalFunction, settings?: LocalFunctionSettings): string;
  /** Listens to calls, labels and rotations. @returns a function that removes the listener */
  on(listener: LocalEventListener): () => void;
  /** Listens to the events that AWS sends to EventBridge, in their form. @returns a function that removes the listener */
  onEventBridge(listener: Listener<EventBridgeEvent>): () => void;
  /** Makes calls of Secrets Manager's operations fail. @returns a function that removes the fault */
  injectFault(rule: FaultRule): () => void;
  /**
   * Resolves once no rotation runs or waits for a retry.
   * @param secretId a secret's name or ARN. Default: the rotations of all secrets
   * @throws Error if there is no such secret
   */
  rotationsSettled(secretId?: string): Promise<void>;
  /**
   * Resolves once the last rotation of the secret has succeeded, retries included.
   * @param secretId the secret's name or ARN
   * @throws Error that says why the rotation failed, that there was none, or that there is no such secret
   */
  rotated(secretId: string): Promise<void>;
  /**
   * Stops the server. No further step of a rotation begins, and a running step has two seconds to end. Then timers,
   * connections and files are closed. A rotation under way continues when the same folder is opened again.
   */
  close(): Promise<void>;
}

/**
 * Starts a local Secrets Manager: an HTTP server that answers as AWS does, and rotates by calling functions.
 * @throws DriverMissing if policies are enforced and `@cloud-copilot/iam-simulate` is not installed
 * @throws Error if an option is invalid, it can't listen at the address, the folder is in use or damaged, or Node.js is too old
 */
export async function startLocalSecretsManager(
  options: LocalSecretsManagerOptions = {},
): Promise<LocalSecretsManager> {
  checkOptions(options);
  const clock = options.clock ?? systemClock();
  const partition = { region: options.region ?? 'us-east-1', accountId: options.accountId ?? '123456789012' };
  const endpoint = options.lambdaEndpoint
    ? lambdaEndpoint(options.lambdaEndpoint, partition.region)
    : undefined;
  const disturbance = createDisturbance(options, clock.now);
  const store =
    options.dataDirectory === undefined ? openMemoryStore() : openFileStore(options.dataDirectory);
  const events = createEventHub();
  const eventBridge = createEventHub<EventBridgeEvent>();
  const state = createState(store, clock, events, eventBridge);
  const functions = createFunctionRegistry(partition, endpoint);
  const retryDelaysMs = options.retryDelaysMs ?? defaultRetryDelaysMs;
  const tokens = createRotationTokens();
  const outcomes = followOutcomes(events);
  const engine = createRotationEngine({ state, functions, tokens, events, eventBridge, retryDelaysMs });
  const control: RotationControl = { knowsFunction: functions.knows, start: engine.start };
  const scheduler = createScheduler(state, clock, control);

  let server: Server;
  try {
    const { principals = [], roles = [], keys = [] } = options;
    const guard =
      options.policies === 'enforce'
        ? await createGuard({ state, tokens, principals, roles, keys })
        : undefined;
    const handler = createHandler({ state, home: partition, rotations: control, guard, disturbance });
    const admission = createAdmission({ ...options, hostNames: hostNamesOf(options) });
    const lambdaApi = createLambdaApi(functions, partition, guard?.lambda);
    const stsApi = createStsApi(guard?.sts ?? openSts(partition));
    const jsonApi = createJsonApi(handler, createObserver(events));
    server = createApiServer([createOtherServices(), stsApi, lambdaApi, jsonApi], admission);
    await listen(server, options.port ?? 0, options.host ?? '127.0.0.1');
  } catch (error) {
    state.close();
    throw error;
  }
  const url = urlOf(server);
  state.onDueChange(scheduler.plan);
  const resumed = engine.resume();
  scheduler.plan();

  let closed: Promise<void> | undefined;
  const end = async () => {
    await resumed;
    scheduler.close();
    await engine.close();
    await closeServer(server);
    endpoint?.close();
    state.close();
  };
  return {
    url,
    clientConfig: {
      endpoint: url,
      region: partition.region,
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    },
    registerFunction: functions.register,
    on: events.on,
    onEventBridge: eventBridge.on,
    injectFault: disturbance.inject,
    async rotationsSettled(secretId) {
      await resumed;
      await engine.settled(secretId === undefined ? undefined : arnOf(state, partition, secretId));
    },
    async rotated(secretId) {
      const arn = arnOf(state, partition, secretId);
      await resumed;
      await engine.settled(arn);
      outcomes.check(arn);
    },
    close: () => {
      closed ??= end();
      return closed;
    },
  };
}

/** @throws Error that names an option that is invalid, and says what it must be */
function checkOptions(options: LocalSecretsManagerOptions): void {
  const { host, dataDirectory, region, accountId, lambdaEndpoint: endpoint, retryDelaysMs = [] } = options;
  const isWrong = (text: string | undefined, isRight: (text: string) => boolean): boolean =>
    text !== undefined && !isRight(text);
  // Node.js would listen on all addresses for an empty one.
  if (isWrong(host, isHostName)) throw invalidOption('host', host, 'a name or an address, such as 127.0.0.1');
  // An empty one would be the working directory.
  if (dataDirectory === '') throw invalidOption('dataDirectory', dataDirectory, 'the path of a folder');
  if (isWrong(region, (text) => /^[a-z]+(-[a-z]+)+-\d+$/.test(text)))
    throw invalidOption('region', region, 'the name of a region, such as us-east-1');
  if (isWrong(accountId, (text) => /^\d{12}$/.test(text)))
    throw invalidOption('accountId', accountId, 'twelve digits');
  if (isWrong(endpoint, (text) => /^https?:\/\//.test(text) && URL.canParse(text)))
    throw invalidOption('lambdaEndpoint', endpoint, 'an http or https URL');
  const wrongDelay = retryDelaysMs.find((ms) => !(ms >= 0 && ms <= longestTimeoutMs));
  if (wrongDelay !== undefined)
    throw invalidOption('retryDelaysMs', wrongDelay, `milliseconds from 0 to ${longestTimeoutMs}`);
  checkEnforcement(options);
}

function invalidOption(name: string, value: string | number | undefined, rule: string): Error {
  return new Error(`${name}: '${value}' must be ${rule}.`);
}

/** Without this, whoever forgets `policies` would test with everything allowed. */
function checkEnforcement(options: LocalSecretsManagerOptions): void {
  const given = (['principals', 'roles', 'keys'] as const).find((name) => options[name] !== undefined);
  if (given === undefined || options.policies === 'enforce') return;
  throw new Error(`${given} has no effect without policies: 'enforce'. Add it, or leave ${given} out.`);
}

/** If the server listens on a name, clients may use that name too. */
function hostNamesOf({ host, hostNames = [] }: LocalSecretsManagerOptions): readonly string[] {
  return host === undefined || isIP(host) !== 0 ? hostNames : [...hostNames, host];
}

interface HandlerParts {
  readonly state: State;
  readonly home: Partition;
  readonly rotations: RotationControl;
  /** Undefined if everybody may do everything. */
  readonly guard: Guard | undefined;
  readonly disturbance: Disturbance;
}

function createHandler({ state, home, rotations, guard, disturbance }: HandlerParts): ApiHandler {
  return async (request) => {
    const { operation: name, accessKeyId, region = home.region, body, message } = request;
    const operation = operations.get(name);
    if (!operation) throw unknownOperation();
    const answerIn = (partition: Partition) =>
      disturbance.run({ operation: operation.name, partition, message }, async () => {
        const answer = await state.transact((unit) =>
          operation.answer({ ...unit, partition, accessKeyId, rotations }, body),
        );
        if (answer instanceof ServiceError) throw answer;
        return answer;
      });
    if (guard) return guard.api(request, answerIn);
    return answerIn({ accountId: accountOf(accessKeyId) ?? home.accountId, region });
  };
}

function createObserver(events: EventHub): ApiObserver {
  return ({ operation, accessKeyId, body }, durationMs, error) =>
    events.emit({
      type: 'call',
      operation,
      secretId: secretIdIn(body),
      accessKeyId,
      durationMs,
      error: error?.type,
    });
}

function secretIdIn(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || !('SecretId' in body)) return undefined;
  return typeof body.SecretId === 'string' ? body.SecretId : undefined;
}

function arnOf(state: State, home: Partition, secretId: string): string {
  const partition = partitionOf(secretId) ?? home;
  return state.read((store) => findSecret({ store, partition }, secretId)).arn;
}
