import { contradictoryField, type RotatorContext } from '../../src/rotator/index.ts';
import { ApiFailure, codeOfStatus } from '../http/failure.ts';
import { type Answer, send } from '../http/send.ts';
import type { Transport } from '../http/transport.ts';
import type { ApiCredential } from './credential.ts';
import type { Call } from './description.ts';
import { requestGrant } from './grant.ts';
import { makeRequest } from './request.ts';
import type { Values } from './template.ts';

/** On whose behalf a call is made, and about what. */
export interface Scope {
  /** Whose token makes the call; absent where only the admin shows himself. */
  readonly caller?: ApiCredential | undefined;
  readonly admin?: ApiCredential | undefined;
  /** What stands at the places that this call has of its own, such as `label`. */
  readonly own?: Readonly<Record<string, string | number | undefined>>;
}

/** What became of a call that was heard. */
export interface Heard {
  readonly outcome: 'accepted' | 'refused' | 'gone';
  readonly answer: Answer;
}

/** Makes the calls of one description. @param more is added to the URL's query */
export type Perform = (
  name: string,
  call: Call,
  scope: Scope,
  context: Pick<RotatorContext, 'signal'>,
  more?: Readonly<Record<string, string>>,
) => Promise<Heard>;

/** @throws ApiFailure for whatever is neither accepted nor refused nor gone */
export function performVia(transport: Transport): Perform {
  return async (name, call, scope, { signal }, more = {}) => {
    const { auth, timeoutSeconds = 10, throttled = [429] } = call;
    const isThrottled = ({ status }: Answer): boolean => throttled.includes(status);
    const redirects = 'reads' as const;
    const sending = { name, timeoutMs: timeoutSeconds * 1000, isThrottled, redirects, signal };
    let values = valuesOf(scope);
    if (auth.scheme === 'client-credentials') {
      const { token, answer } = await requestGrant(auth, values, sending, transport);
      if (token === undefined) return { outcome: 'refused', answer };
      values = valuesOf({ ...scope, own: { ...scope.own, granted: token } });
    }
    const request = makeRequest(call, baseUrlOf(scope), values);
    for (const [parameter, value] of Object.entries(more)) request.url.searchParams.set(parameter, value);
    const answer = await send(request, sending, transport);
    return { outcome: outcomeOf(name, call, answer), answer };
  };
}

function outcomeOf(name: string, call: Call, { status }: Answer): Heard['outcome'] {
  const { accepted, refused = [401, 403], gone = [404, 410] } = call;
  if (accepted === undefined ? status >= 200 && status <= 299 : accepted.includes(status)) return 'accepted';
  if (refused.includes(status)) return 'refused';
  if (gone.includes(status)) return 'gone';
  throw new ApiFailure(codeOfStatus(status), `${name} was answered ${status}`);
}

/** The answer of a call that must succeed. @throws ApiFailure */
export function requireAccepted(name: string, { outcome, answer }: Heard): Answer {
  if (outcome === 'accepted') return answer;
  const code = outcome === 'refused' ? 'PermissionDenied' : 'AccountMissing';
  throw new ApiFailure(code, `${name} was answered ${answer.status}`);
}

function baseUrlOf({ caller, admin }: Scope): string {
  const { baseUrl } = caller ?? admin ?? {};
  if (baseUrl === undefined) throw contradictoryField('host', 'is missing');
  return baseUrl;
}

function valuesOf({ caller, admin, own = {} }: Scope): Values {
  return (place) => {
    const [, kind, name = ''] = /^(secret|admin)\.(.*)$/.exec(place) ?? [];
    if (kind === 'secret') return caller?.fields[name];
    if (kind === 'admin') return admin?.fields[name];
    return place === 'token' ? caller?.token : own[place];
  };
}
