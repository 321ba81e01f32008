import type { IncomingMessage } from 'node:http';
import { homeOf, type Partition } from '../arn.ts';
import { accessDenied } from '../errors.ts';
import { findSecretIfAny } from '../operations/secrets.ts';
import type { ApiRequest } from '../protocol/json-api.ts';
import type { LambdaGuard } from '../protocol/lambda-api.ts';
import type { StsBackend } from '../protocol/sts-api.ts';
import type { RotationTokens } from '../rotation/rotation-token.ts';
import type { State } from '../state.ts';
import { assumeRole, useOfRole } from './assume-role.ts';
import { withoutRefused } from './batch.ts';
import { readMembers } from './body.ts';
import { type AccessRequest, type Decide, loadDecide } from './decide.ts';
import { keyPermissionsOf, useOfKey } from './keys.ts';
import { permissionsOf, requestOfFunction, type Subject } from './permissions.ts';
import {
  type ConditionContext,
  createDirectory,
  type Directory,
  type KnownPrincipal,
  type LocalKey,
  type LocalPrincipal,
  type LocalRole,
  sampleSession,
} from './principals.ts';
import { readAuthorization, type SignedService, verifySignature } from './signature.ts';

/** Lets a request through only if its signature is right and policies allow it. */
export interface Guard {
  /**
   * Answers a request to Secrets Manager by `answer`.
   * @throws ServiceError AccessDeniedException, and those of signatures
   */
  api(
    request: ApiRequest,
    answer: (partition: Partition) => Promise<object | undefined>,
  ): Promise<object | undefined>;
  /**
   * Checks a request to Lambda by identity policies alone. Functions have no policies of their own here.
   * @throws ServiceError AccessDeniedException, and those of signatures
   */
  lambda: LambdaGuard;
  /** STS with the known principals and roles. */
  sts: StsBackend;
}

interface GuardParts {
  readonly state: State;
  readonly tokens: RotationTokens;
  readonly principals: readonly LocalPrincipal[];
  readonly roles: readonly LocalRole[];
  readonly keys: readonly LocalKey[];
}

interface Caller {
  readonly principal: KnownPrincipal;
  readonly partition: Partition;
  /** Condition keys that every request has. */
  readonly context: ConditionContext;
}

/**
 * Makes the guard. It checks a request before the operation's transaction, so a policy that changes in between does not count
 * yet. On AWS such changes take a moment too.
 * @throws DriverMissing if the library that evaluates policies is not installed
 * @throws Error for a malformed principal, role or policy
 */
export async function createGuard({ state, tokens, principals, roles, keys }: GuardParts): Promise<Guard> {
  const directory = createDirectory(principals, roles);
  const decide = await loadDecide();
  await evaluateOnce(decide, directory, keys);

  const check = async (caller: Caller, subject: Subject): Promise<void> => {
    const { principal } = caller;
    const secretId = subject.body.text('SecretId') ?? subject.body.text('Name');
    for (const request of permissionsOf(subject, keys)) {
      const reason = await decide(principal, inContext(request, caller.context));
      if (reason) throw accessDenied(refusal(principal.arn, request, secretId, reason));
    }
    const uses = state.read((store) => keyPermissionsOf(subject, store, keys));
    if (!uses || !(await allAllowed(decide, caller, uses)))
      throw accessDenied('Access to KMS is not allowed');
    checkRotationToken(subject, tokens);
  };

  const callerOf = async (
    service: SignedService,
    message: IncomingMessage,
    body: string,
  ): Promise<Caller> => {
    const { method = '', url = '', headers } = message;
    const signed = { method, target: url, headers, body };
    const authorization = readAuthorization(signed, service, Date.now());
    const principal = directory.principalOf(
      authorization.accessKeyId,
      stringOrUndefined(headers['x-amz-security-token']),
    );
    await verifySignature(signed, authorization, principal.secretAccessKey);
    const partition = { accountId: principal.accountId, region: authorization.region };
    return { principal, partition, context: requestContext(state.now(), partition, message) };
  };

  return {
    async api({ operation, body, message, text }, answer) {
      const caller = await callerOf('secretsmanager', message, text);
      const { partition } = caller;
      await check(caller, subjectOf(state, operation, body, partition));
      const answered = await answer(partition);
      if (operation !== 'BatchGetSecretValue') return answered;
      return withoutRefused(answered, (SecretId) =>
        check(caller, subjectOf(state, 'GetSecretValue', { SecretId }, partition)),
      );
    },
    async lambda({ action, functionArn, message, text }) {
      const caller = await callerOf('lambda', message, text);
      const { principal } = caller;
      const request = requestOfFunction(action, functionArn);
      const reason = await decide(principal, inContext(request, caller.context));
      if (reason) throw accessDenied(refusal(principal.arn, request, undefined, reason));
    },
    sts: {
      identityOf: async (message, text) => (await callerOf('sts', message, text)).principal,
      async assumeRole(message, text, request) {
        const caller = await callerOf('sts', message, text);
        const parts = {
          directory,
          decide: (asked: AccessRequest) => decide(caller.principal, inContext(asked, caller.context)),
          tryPolicies: (session: KnownPrincipal) => tryPolicies(decide, session),
        };
        return assumeRole(parts, caller.principal, request);
      },
    },
  };
}

/** Evaluates every policy once at the start. So a policy that can't be evaluated fails the start, and no request later. */
async function evaluateOnce(
  decide: Decide,
  { principals, roles }: Directory,
  keys: readonly LocalKey[],
): Promise<void> {
  for (const principal of principals) {
    await tryPolicies(decide, principal);
    for (const key of keys) await decide(principal, useOfKey(key));
    for (const role of roles) await decide(principal, useOfRole(role, {}));
  }
  for (const role of roles) await tryPolicies(decide, sampleSession(role));
}

async function tryPolicies(decide: Decide, principal: KnownPrincipal): Promise<void> {
  const { accountId } = principal;
  await decide(principal, { action: 'secretsmanager:ListSecrets', resource: '*', accountId, context: {} });
}

function subjectOf(state: State, operation: string, input: unknown, partition: Partition): Subject {
  const body = readMembers(operation, input);
  const [secretId, replicaArn] = [body.text('SecretId'), body.text('CrossAccountReplicaARN')];
  const secret =
    secretId === undefined
      ? undefined
      : state.read((store) => findSecretIfAny({ store, partition }, secretId));
  const replica = replicaArn === undefined ? undefined : state.read((store) => store.secretByArn(replicaArn));
  return { operation, body, partition, secret, replica };
}

/** The part of a request that condition keys describe. */
export interface RequestOrigin {
  readonly headers: Pick<IncomingMessage['headers'], 'user-agent'>;
  readonly socket: Pick<IncomingMessage['socket'], 'remoteAddress'>;
}

/** @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html */
export function requestContext(
  nowMs: number,
  { region }: Partition,
  { headers, socket }: RequestOrigin,
): ConditionContext {
  return {
    'aws:CurrentTime': new Date(nowMs).toISOString(),
    'aws:EpochTime': String(Math.floor(nowMs / 1000)),
    'aws:RequestedRegion': region,
    // Always true on AWS. Otherwise a policy that refuses plaintext would refuse everything here.
    'aws:SecureTransport': 'true',
    'aws:SourceIp': socket.remoteAddress ?? '',
    'aws:UserAgent': headers['user-agent'] ?? '',
    'aws:ViaAWSService': 'false',
  };
}

/** Adds the condition keys of the HTTP request and of the resource's account. */
export function inContext(request: AccessRequest, context: ConditionContext): AccessRequest {
  return {
    ...request,
    context: { ...context, 'aws:ResourceAccount': request.accountId, ...request.context },
  };
}

/** The message of a refusal. As on AWS, the secret is named as in the request. An action without a resource names none. */
function refusal(
  arn: string,
  { action, resource }: AccessRequest,
  secretId: string | undefined,
  reason: string,
) {
  const named = action.startsWith('secretsmanager:') ? secretId : resource;
  const where = resource === '*' || named === undefined ? '' : ` on resource: ${named}`;
  return `User: ${arn} is not authorized to perform: ${action}${where} ${reason}`;
}

/**
 * The condition keys of a use of a key. Secrets Manager uses the key in the caller's name, but from an address of its own.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html aws:SourceIp
 */
export function contextOfKeys({ 'aws:SourceIp': _, ...context }: ConditionContext): ConditionContext {
  return { ...context, 'aws:ViaAWSService': 'true' };
}

async function allAllowed(
  decide: Decide,
  { principal, context }: Caller,
  uses: readonly AccessRequest[],
): Promise<boolean> {
  for (const use of uses)
    if ((await decide(principal, inContext(use, contextOfKeys(context)))) !== undefined) return false;
  return true;
}

/**
 * Checks the RotationToken. It proves that a function of another account was asked for the value that it puts. The words are
 * our own.
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html RotationToken
 */
function checkRotationToken({ operation, body, partition, secret }: Subject, tokens: RotationTokens): void {
  if (operation !== 'PutSecretValue' || !secret) return;
  const [versionId, token] = [body.text('ClientRequestToken') ?? '', body.text('RotationToken')];
  const fromAbroad = homeOf(secret.arn).accountId !== partition.accountId;
  const needed = fromAbroad && secret.rotation?.running?.token === versionId;
  if (token === undefined ? needed : !tokens.fits(token, secret.arn, versionId)) {
    throw accessDenied('The RotationToken is missing, or it is not that of the rotation of this version.');
  }
}

function stringOrUndefined(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
