import {
  type ChangingRotator,
  contradictoryField,
  type ErrorCode,
  type Finding,
  optionalText,
  requireText,
  type SecretFields,
  type Session,
} from '../../src/rotator/index.ts';
import { asSegment, asUsername, basic } from '../http/encoding.ts';
import { ApiFailure, classify, codeOfStatus } from '../http/failure.ts';
import { readJson, reasonIn, textAt, valueAt } from '../http/json.ts';
import { type HttpAnswer, send } from '../http/send.ts';
import { createTransport, type TransportOptions } from '../http/transport.ts';
import { baseUrlProblem } from '../http/url.ts';

/** A user of a broker. */
export interface RabbitMqCredential {
  /** Of the management API, without a slash at its end. */
  readonly baseUrl: string;
  readonly username: string;
  readonly password: string;
}

/** A login that the broker accepted; nothing of it stays open. */
export interface RabbitMqSession extends Session {
  readonly credential: RabbitMqCredential;
  /** None where the user may not use the management API. */
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
  const engine = optionalText(fields, 'engine');
  if (engine !== undefined && engine !== 'rabbitmq') throw contradictoryField('engine', 'is not rabbitmq');
  const host = requireText(fields, 'host');
  const url = host.includes('://') ? host : `https://${host}`;
  const problem = baseUrlProblem(url);
  if (problem !== undefined) throw contradictoryField('host', problem);
  return {
    baseUrl: new URL(url).href.replace(/\/$/, ''),
    username: requireText(fields, 'username'),
    password: requireText(fields, 'password'),
  };
}

/** Tags are a list, and were a text with commas before RabbitMQ 3.9. */
function tagsOf(json: unknown): string[] {
  const tags = valueAt(json, '/tags');
  if (Array.isArray(tags)) return tags.map(String);
  return typeof tags === 'string' ? tags.split(',').filter((tag) => tag !== '') : [];
}

/**
 * The password of a RabbitMQ user, set over the management API by an administrator, the admin secret's. `host` is that
 * API, such as `https://mq.example.com:15671`.
 *
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
      case 'accepted':
        return { credential, tags: tagsOf(readJson('whoami', answer)), close };
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
    // What is left out of a PUT is taken from the user.
    const json = { password, tags: tagsOf(readJson('GET users', user)).join(',') };
    requireSuccess('PUT users', await ask(admin, { method: 'PUT', path, json }, signal));
  };

  return {
    kind: 'changes',
    name: 'rabbitmq',
    engines: ['rabbitmq'],
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
 * What the broker says of a login. It looks at the password first. If that is wrong, the answer is 401 with the error
 * `not_authorized`; its reason has another wording in each release ("Login failed" in 3.x, "Not_Authorized" since 3.13). If
 * the password is right and the user may not do this, the error is `not_authorised`, with an s, and its status may become
 * 403. The same error says that basic authentication is off, or that a user may log in from this machine alone: neither
 * tells whether the password works. Older releases spell the error of a wrong password with an s too: there the reason
 * alone tells.
 *
 * @see https://github.com/rabbitmq/rabbitmq-server/blob/main/deps/rabbitmq_web_dispatch/src/rabbit_web_dispatch_access_control.erl
 */
function meaningOf(answer: HttpAnswer): 'accepted' | 'no management user' | 'refused' | 'unknown' {
  const { status } = answer;
  if (status === 200) return 'accepted';
  if (status !== 401 && status !== 403) return 'unknown';
  // A proxy before the broker has other words for its own refusals.
  const json = readJson('whoami', answer);
  const error = textAt(json, '/error');
  const reason = textAt(json, '/reason');
  const isOldRefusal = error === 'not_authorised' && reason === 'Login failed';
  if (status === 401 && error !== undefined && (error !== 'not_authorised' || isOldRefusal)) return 'refused';
  return reason === 'Not management user' ? 'no management user' : 'unknown';
}

const codes: Readonly<Record<number, ErrorCode>> = {
  // The broker's answer to a password that its validator refuses.
  400: 'PasswordRejected',
  401: 'PermissionDenied',
  403: 'PermissionDenied',
  404: 'AccountMissing',
};

function failure(name: string, answer: HttpAnswer): ApiFailure {
  const { status } = answer;
  const code = codes[status] ?? codeOfStatus(status);
  return new ApiFailure(code, `${name} was answered ${status}`, { said: reasonIn(answer) });
}

function requireSuccess(name: string, answer: HttpAnswer): HttpAnswer {
  const { status } = answer;
  if (status >= 200 && status <= 299) return answer;
  throw failure(name, answer);
}

function rightsOf({ tags }: RabbitMqSession): Finding {
  const ok = tags.includes('administrator');
  const detail = ok ? 'the admin may change users' : 'the admin lacks the tag administrator';
  return { check: 'admin rights', ok, detail };
}
