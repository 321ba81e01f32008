import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import {
  missingAuthenticationToken,
  reportFault,
  ServiceError,
  unknownOperation,
  validationFailure,
} from '../errors.ts';
import { credentialOf, hungUp, mediaTypeOf, type Protocol, type Reply, readBody } from './http.ts';
import { element, queryError } from './query-xml.ts';

const apiVersion = '2011-06-15';
const formContentType = 'application/x-www-form-urlencoded';

/** Who the caller is, as GetCallerIdentity answers it. */
export interface Identity {
  readonly accountId: string;
  readonly arn: string;
  readonly userId: string;
}

/** What AssumeRole was asked for. */
export interface RoleRequest {
  readonly roleArn: string;
  readonly sessionName: string;
  readonly durationSeconds: number | undefined;
  /** The session policy, as text. */
  readonly policy: string | undefined;
  readonly externalId: string | undefined;
}

/** A role's session that has begun. */
export interface IssuedSession {
  readonly arn: string;
  readonly userId: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expiresAtMs: number;
}

/** Knows the callers. Where policies are enforced, both methods check the request's signature. */
export interface StsBackend {
  identityOf(message: IncomingMessage, text: string): Promise<Identity>;
  assumeRole(message: IncomingMessage, text: string, request: RoleRequest): Promise<IssuedSession>;
}

/**
 * The part of STS that clients call before anything else: GetCallerIdentity and AssumeRole. With one URL for all services
 * (AWS_ENDPOINT_URL) these calls arrive here.
 * @see https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
 */
export function createStsApi(backend: StsBackend): Protocol {
  const answer = async (message: IncomingMessage): Promise<Reply> => {
    // Any web page can send a form. A signature shows that this is a client of STS.
    if (credentialOf(message).service !== 'sts') throw missingAuthenticationToken();
    if (message.method !== 'POST' || message.url !== '/' || mediaTypeOf(message) !== formContentType) {
      throw unknownOperation();
    }
    const text = await readBody(message);
    const input = new URLSearchParams(text);
    const action = input.get('Action') ?? '';
    if (input.get('Version') !== apiVersion) throw unknownAction(action, input.get('Version') ?? '');
    switch (action) {
      case 'GetCallerIdentity':
        return replyOf(action, identityXml(await backend.identityOf(message, text)));
      case 'AssumeRole': {
        const request = roleRequestOf(input);
        return replyOf(action, sessionXml(await backend.assumeRole(message, text, request)));
      }
      default:
        throw unknownAction(action, apiVersion);
    }
  };
  return {
    speaks: (request) => {
      const { service } = credentialOf(request);
      return (
        service === 'sts' ||
        (service === undefined && request.url === '/' && mediaTypeOf(request) === formContentType)
      );
    },
    async answer(request) {
      try {
        return await answer(request);
      } catch (cause) {
        if (hungUp(request)) throw cause;
        return queryError(errorOf(cause), versionUrl);
      }
    },
    refuse: (_, error) => queryError(error, versionUrl),
  };
}

const versionUrl = `https://sts.amazonaws.com/doc/${apiVersion}/`;

function errorOf(cause: unknown): ServiceError {
  if (cause instanceof ServiceError) return cause;
  reportFault(cause);
  return new ServiceError('InternalFailure', 'The local STS failed.', 500);
}

function unknownAction(action: string, version: string): ServiceError {
  return new ServiceError('InvalidAction', `Could not find operation ${action} for version ${version}`);
}

/** Refuses parameters that are not implemented here. Otherwise the session would lack what was asked for. */
function roleRequestOf(input: URLSearchParams): RoleRequest {
  const known = [
    'Action',
    'Version',
    'RoleArn',
    'RoleSessionName',
    'DurationSeconds',
    'Policy',
    'ExternalId',
  ];
  const unknown = [...input.keys()].find((name) => !known.includes(name));
  if (unknown !== undefined) throw validationFailure(`AssumeRole has no ${unknown} here: leave it out.`);
  const text = (name: string): string | undefined => input.get(name) ?? undefined;
  const duration = text('DurationSeconds');
  const durationSeconds = duration === undefined ? undefined : Number(duration);
  if (durationSeconds !== undefined && !(durationSeconds >= 900 && durationSeconds <= 43_200)) {
    const bound = durationSeconds < 900 ? 'greater than or equal to 900' : 'less than or equal to 43200';
    throw violation(`Value '${duration}'`, 'durationSeconds', `have value ${bound}`);
  }
  return {
    roleArn: matching(text('RoleArn'), 'roleArn', /^.{20,2048}$/s),
    sessionName: matching(text('RoleSessionName'), 'roleSessionName', /^[\w+=,.@-]{2,64}$/),
    durationSeconds,
    policy: text('Policy'),
    externalId: optionally(text('ExternalId'), 'externalId', /^[\w+=,.@:/-]{2,1224}$/),
  };
}

function matching(value: string | undefined, name: string, pattern: RegExp): string {
  if (value === undefined) throw violation('Value null', name, 'not be null');
  if (pattern.test(value)) return value;
  throw violation(`Value '${value}'`, name, `satisfy regular expression pattern: ${pattern.source}`);
}

function optionally(value: string | undefined, name: string, pattern: RegExp): string | undefined {
  return value === undefined ? undefined : matching(value, name, pattern);
}

function violation(value: string, name: string, constraint: string): ServiceError {
  return validationFailure(
    `1 validation error detected: ${value} at '${name}' failed to satisfy constraint: Member must ${constraint}`,
  );
}

function identityXml({ arn, userId, accountId }: Identity): string {
  return element('Arn', arn) + element('UserId', userId) + element('Account', accountId);
}

function sessionXml(session: IssuedSession): string {
  const { accessKeyId, secretAccessKey, sessionToken, expiresAtMs, arn, userId } = session;
  const expiration = new Date(expiresAtMs).toISOString().replace('.000', '');
  const user = element('AssumedRoleId', userId) + element('Arn', arn);
  const credentials =
    element('AccessKeyId', accessKeyId) +
    element('SecretAccessKey', secretAccessKey) +
    element('SessionToken', sessionToken) +
    element('Expiration', expiration);
  return `<AssumedRoleUser>${user}</AssumedRoleUser><Credentials>${credentials}</Credentials>`;
}

function replyOf(action: string, result: string): Reply {
  const requestId = randomUUID();
  return {
    status: 200,
    headers: { 'Content-Type': 'text/xml', 'x-amzn-RequestId': requestId },
    content:
      `<${action}Response xmlns="${versionUrl}"><${action}Result>${result}</${action}Result>` +
      `<ResponseMetadata>${element('RequestId', requestId)}</ResponseMetadata></${action}Response>`,
  };
}
