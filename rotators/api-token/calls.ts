import { contradictoryField, type ErrorCode, type RotatorContext } from '../../src/rotator/index.ts';
import type { KnownWays } from '../http/client-authentication.ts';
import { ApiFailure } from '../http/failure.ts';
import { reasonIn } from '../http/json.ts';
import { type HttpAnswer, send } from '../http/send.ts';
import type { Transport } from '../http/transport.ts';
import { readerOf, written } from './answer.ts';
import type { ApiCredential } from './credential.ts';
import type { Call, Request } from './description.ts';
import { requestGrant } from './grant.ts';
import { type CallOutcome, callOutcome, isThrottled } from './outcome.ts';
import { makeRequest } from './request.ts';
import { placeholdersIn, requiredPlaceholdersIn, type Values } from './template.ts';

/** The credentials and values that a call is made with. */
export interface Scope {
  /** The credential for `{secret.NAME}` and `{token}`; absent if only the admin authenticates. */
  readonly caller?: ApiCredential | undefined;
  readonly admin?: ApiCredential | undefined;
  /** Values of further placeholders of this call, such as `label`. */
  readonly own?: Readonly<Record<string, unknown>>;
}

/** The outcome and answer of a call. */
export interface CallResult {
  readonly outcome: CallOutcome;
  readonly answer: HttpAnswer;
  /** Who made the call, in words. */
  readonly by: string;
  /** Secret values of the request that are in neither secret, such as a session. */
  readonly sent: readonly string[];
}

/** Makes the calls of one description. @param more is added to the URL's query */
export type Perform = (
  name: string,
  call: Call,
  scope: Scope,
  context: Pick<RotatorContext, 'signal'>,
  more?: Readonly<Record<string, string>>,
) => Promise<CallResult>;

/** Clocks count as equal if they differ by less. */
const clockToleranceMs = 30_000;

/**
 * Makes calls over a transport. The returned function throws an ApiFailure for an answer that is not accepted, refused or gone.
 *
 * @param accountField the field of the secret that says whose token it is
 */
export function performVia(transport: Transport, accountField = 'username'): Perform {
  /** How far the server's clock is ahead of this one; 0 until the server has refused a signed token. */
  let aheadMs = 0;
  const known: KnownWays = new Map();

  const request = async (
    name: string,
    call: Request,
    scope: Scope,
    { signal }: Pick<RotatorContext, 'signal'>,
    more: Readonly<Record<string, string>> = {},
  ): Promise<CallResult> => {
    const { auth, timeoutSeconds = 10 } = call;
    const sending = {
      name,
      timeoutMs: timeoutSeconds * 1000,
      isThrottled: (answer: HttpAnswer) => isThrottled(call, answer),
      redirects: 'reads' as const,
      signal,
    };
    const kept = Object.entries(scope.own ?? {}).filter(([placeholder]) =>
      /^(kept\.|password$)/.test(placeholder),
    );
    const sent = kept.flatMap(([, value]) => textsIn(value));
    const by = placeholdersIn(auth).some((placeholder) => placeholder.startsWith('admin.'))
      ? 'the admin secret'
      : 'the token';
    let values = valuesOf(scope);
    if (auth.scheme === 'client-credentials') {
      const { token, answer } = await requestGrant(auth, { values, sending, transport, known });
      if (token === undefined) return { outcome: 'refused', answer, by, sent };
      values = valuesOf({ ...scope, own: { ...scope.own, granted: token } });
      sent.push(token);
    }
    const attempt = async (): Promise<CallResult> => {
      const made = makeRequest(call, baseUrlOf(scope), values, Date.now() + aheadMs);
      for (const [parameter, value] of Object.entries(more)) made.url.searchParams.set(parameter, value);
      // Errors are masked by the values of the secrets. A credential that is encoded or signed is not among them, so add it here.
      const carried = [...sent, ...(made.headers.authorization?.split(' ').slice(1) ?? [])];
      const answer = await send(made, sending, transport);
      return { outcome: callOutcome(name, call, answer, carried), answer, by, sent: carried };
    };
    const heard = await attempt();
    if (auth.scheme !== 'jwt' || heard.outcome !== 'refused') return heard;
    // A signed token says when it is valid, by the server's clock. The header Date has it (RFC 9110, section 6.6.1).
    const serversMs = Date.parse(heard.answer.headers.get('date') ?? '');
    const differenceMs = serversMs - Date.now();
    if (Number.isNaN(serversMs) || Math.abs(differenceMs - aheadMs) < clockToleranceMs) return heard;
    aheadMs = differenceMs;
    return attempt();
  };

  return async (name, call, scope, context, more) => {
    let { own } = scope;
    for (const step of call.before ?? []) {
      const stepName = `the call before ${name}`;
      const heard = await request(stepName, step, { ...scope, own: own ?? {} }, context);
      if (heard.outcome !== 'accepted') return heard;
      const reader = readerOf(stepName, heard.answer);
      if (step.account !== undefined && reader.requireText(step.account) !== scope.caller?.account) {
        throw contradictoryField(
          accountField,
          `is not what ${name} would change: the API shows another one at "${written(step.account)}". Nothing was changed`,
        );
      }
      for (const [kept, place] of Object.entries(step.keep ?? {})) {
        const [value, needed] = [reader.value(place), `kept.${kept}`];
        // The value may be missing if the call uses it only as {kept.NAME?}.
        const isOptional =
          placeholdersIn(call).includes(needed) && !requiredPlaceholdersIn(call).includes(needed);
        own = { ...own, [needed]: value ?? (isOptional ? undefined : reader.requireText(place)) };
      }
    }
    return request(name, call, { ...scope, own: own ?? {} }, context, more);
  };
}

/** The answer of a call that must succeed. @throws ApiFailure */
export function requireAccepted(name: string, heard: CallResult): HttpAnswer {
  if (heard.outcome === 'accepted') return heard.answer;
  throw failureOf(name, heard, heard.outcome === 'refused' ? 'PermissionDenied' : 'AccountMissing');
}

/** The error for a call that did not succeed, with the server's reason and who made the call. */
export function failureOf(name: string, { answer, by, sent }: CallResult, code: ErrorCode): ApiFailure {
  return new ApiFailure(code, `${name}, made by ${by}, was answered ${answer.status}`, {
    said: reasonIn(answer, sent),
  });
}

/** The texts and numbers of a value, however deep. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(textsIn);
  return typeof value === 'string' || typeof value === 'number' ? [String(value)] : [];
}

function baseUrlOf({ caller, admin }: Scope): string {
  const { baseUrl } = caller ?? admin ?? {};
  if (baseUrl === undefined) throw contradictoryField('host', 'is missing');
  return baseUrl;
}

/** The values of a call's placeholders. */
export function valuesOf({ caller, admin, own = {} }: Scope): Values {
  return (placeholder) => {
    const [, kind, name = ''] = /^(secret|admin)\.(.*)$/.exec(placeholder) ?? [];
    if (kind === 'secret') return caller?.fields[name];
    if (kind === 'admin') return admin?.fields[name];
    return placeholder === 'token' ? caller?.token : own[placeholder];
  };
}
