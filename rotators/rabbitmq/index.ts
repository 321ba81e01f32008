import {
  type ChangingRotator,
  type ErrorCode,
  type Finding,
  requireText,
  type SecretFields,
  type Session,
} from '../../src/rotator/index.ts';
import { checked, requireEngine, visibleName } from '../database/login.ts';
import { asSegment, asUsername, basic } from '../http/encoding.ts';
import { ApiFailure, classify, codeOfStatus } from '../http/failure.ts';
import { isWebPage, readJson, reasonIn, textAt, valueAt } from '../http/json.ts';
import { type HttpAnswer, send } from '../http/send.ts';
import { createTransport, type TransportOptions } from '../http/transport.ts';
import { parseBaseUrl } from '../http/url.ts';

const engines: readonly string[] = ['rabbitmq'];

/** A user of a broker, and where the broker's management API is. */
export interface RabbitMqCredential {
  /** URL of the management API, without a slash at its end. */
  readonly baseUrl: string;
  /** The user's name. */
  readonly username: string;
  /** The user's password. */
  readonly password: string;
}

/** A login that the broker accepted. It holds no connection. */
export interface RabbitMqSession extends Session {
  /** The credential that was accepted. */
  readonly credential: RabbitMqCredential;
  /** The user's tags. Empty if the user may not use the management API. */
  readonly tags: readonly string[];
}

type Ask = (
  by: RabbitMqCredential,
  request: { readonly method: string; readonly path: string; readonly json?: object },
  signal: AbortSignal,
) => Promise<HttpAnswer>;

function askVia(options: TransportOptions): Ask {
  const transport = createTransport(options);
  return ({ baseUrl, username, password }, { method, path, json }, signal) => {
    const headers = {
      authorization: basic(asUsername(username, 'username'), password),
      'content-type': 'application/json',
    };
    const body = json === undefined ? undefined : JSON.stringify(json);
    const request = { method, url: new URL(baseUrl + path), headers, body };
    return send(request, { name: `${method} ${path.split('/')[2]}`, signal }, transport);
  };
}

/** @throws InvalidSecretField */
function parseCredential(fields: SecretFields): RabbitMqCredential {
  requireEngine(fields, engines);
  return {
    baseUrl: parseBaseUrl('host', requireText(fields, 'host')),
    username: checked('username', requireText(fields, 'username'), visibleName),
    password: requireText(fields, 'password'),
  };
}

/** The broker writes tags as a list. Before RabbitMQ 3.9 it wrote a text with commas. */
function tagsOf(json: unknown): string[] {
  const tags = valueAt(json, '/tags');
  if (Array.isArray(tags)) return tags.map(String);
  return typeof tags === 'string' ? tags.split(',').filter((tag) => tag !== '') : [];
}

/**
 * Rotates the password of a RabbitMQ user. The admin secret's user, who has the tag `administrator`, sets it over the management
 * API. The secret's `host` is that API, such as `https://mq.example.com:15671`. The user keeps its tags. `open` and `change` throw
 * ApiFailure: PasswordRejected if the broker's validator refuses the password, AccountMissing, PermissionDenied, TargetBusy,
 * TargetUnreachable, CertificateRejected, TargetFailed.
 *
 * @throws InvalidSecretField, by `parse`
 * @see https://www.rabbitmq.com/docs/management#http-api
 */
export function rabbitMq(
  options: TransportOptions = {},
): ChangingRotator<RabbitMqCredential, RabbitMqSession> {
  const ask = askVia(options);

  const open: ChangingRotator<RabbitMqCredential, RabbitMqSession>['open'] = async (
    credential,
    { signal },
  ) => {
    const answer = await ask(credential, { method: 'GET', path: '/api/whoami' }, signal);
    const close = async (): Promise<void> => undefined;
    switch (meaningOf(answer)) {
      case 'accepted': {
        const json = readJson('whoami', answer);
        // Another server may answer 200 to everything. That proves no password.
        if (textAt(json, '/name') !== credential.username)
          throw new ApiFailure(
            'TargetFailed',
            'whoami does not name the user: "host" may not be the management API',
          );
        return { credential, tags: tagsOf(json), close };
      }
      case 'no management user':
        return { credential, tags: [], close };
      case 'refused':
        return undefined;
      default:
        throw failure('whoami', answer);
    }
  };

  const change: ChangingRotator<RabbitMqCredential, RabbitMqSession>['change'] = async (
    { credential: admin },
    { username, password },
    { signal },
  ) => {
    const path = `/api/users/${asSegment(username, 'username')}`;
    const user = requireSuccess('GET users', await ask(admin, { method: 'GET', path }, signal));
    // Send the tags too: a PUT sets the whole user.
    const json = { password, tags: tagsOf(readJson('GET users', user)).join(',') };
    requireSuccess('PUT users', await ask(admin, { method: 'PUT', path, json }, signal));
  };

  return {
    kind: 'changes',
    name: 'rabbitmq',
    engines,
    overlap: 'none',
    changedBy: 'admin',
    parse: parseCredential,
    target: ({ baseUrl, username }) => ({ host: baseUrl, account: username }),
    generate: async (_current, { password }) => ({ password: password() }),
    open,
    change,
    preflight: async (_session, _credential, admin) => (admin === undefined ? [] : [rightsOf(admin)]),
    classify,
  };
}

/**
 * What the broker's answer to `whoami` means. The broker checks the password first.
 *
 * - Wrong password: 401 and the error `not_authorized`, with a z. The reason differs: "Login failed" in 3.x, "Not_Authorized" since
 *   3.13. Older releases write `not_authorised`, with an s. There only the reason tells.
 * - Right password, but the user may not use the management API: the error `not_authorised`, with an s, and the reason "Not
 *   management user". The status is 401, and may become 403.
 * - Basic authentication is off, or the user may only log in from the broker's machine: also `not_authorised`. This does not tell
 *   whether the password works.
 *
 * @see https://github.com/rabbitmq/rabbitmq-server/blob/main/deps/rabbitmq_web_dispatch/src/rabbit_web_dispatch_access_control.erl
 */
function meaningOf(answer: HttpAnswer): 'accepted' | 'no management user' | 'refused' | 'unknown' {
  const { status } = answer;
  if (status === 200) return 'accepted';
  if (status !== 401 && status !== 403) return 'unknown';
  // A proxy in front of the broker answers its own refusals differently.
  const json = readJson('whoami', answer);
  const error = textAt(json, '/error');
  const reason = textAt(json, '/reason');
  const isOldRefusal = error === 'not_authorised' && reason === 'Login failed';
  if (status === 401 && error !== undefined && (error !== 'not_authorised' || isOldRefusal)) return 'refused';
  return reason === 'Not management user' ? 'no management user' : 'unknown';
}

type RequestName = 'whoami' | 'GET users' | 'PUT users';

/** The error codes of statuses whose meaning depends on the request. */
const codes: Readonly<Record<RequestName, Readonly<Record<number, ErrorCode>>>> = {
  whoami: {},
  'GET users': { 404: 'AccountMissing' },
  // The broker's validator refuses the password.
  'PUT users': { 400: 'PasswordRejected' },
};

function failure(name: RequestName, answer: HttpAnswer): ApiFailure {
  const { status } = answer;
  const isRefused = status === 401 || status === 403;
  const code = isRefused ? 'PermissionDenied' : (codes[name][status] ?? codeOfStatus(status));
  const hint = name === 'whoami' && status === 404 ? ': "host" may not be the management API' : '';
  return new ApiFailure(code, `${name} was answered ${status}${hint}`, { said: reasonIn(answer) });
}

function requireSuccess(name: RequestName, answer: HttpAnswer): HttpAnswer {
  const { status } = answer;
  const isSuccess = status >= 200 && status <= 299;
  // A proxy may answer 200 with a page for logins, and has then passed nothing on to the broker.
  if (isSuccess && answer.text !== '' && isWebPage(answer))
    throw new ApiFailure('TargetFailed', `${name} was answered with a web page`);
  if (isSuccess) return answer;
  throw failure(name, answer);
}

function rightsOf({ tags }: RabbitMqSession): Finding {
  const ok = tags.includes('administrator');
  const detail = ok ? 'the admin may change users' : 'the admin lacks the tag administrator';
  return { check: 'admin rights', ok, detail };
}
