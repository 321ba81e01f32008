import { ApiFailure, codeOfStatus } from '../http/failure.ts';
import { isWebPage, reasonIn, scalarAt, valueAt } from '../http/json.ts';
import type { HttpAnswer } from '../http/send.ts';
import type { Condition, Outcome, Request } from './description.ts';

/** The outcome of a call that got an answer. */
export type CallOutcome = 'accepted' | 'refused' | 'gone';

/** Whether an answer says that the call should be made later. */
export function isThrottled({ throttled = [429] }: Request, answer: HttpAnswer): boolean {
  return meets(throttled, answer) || names(throttled, answer);
}

/**
 * What an answer means. All conditions on the body or a header are tried first, because they say more than a status.
 *
 * @param sent secret values of the request that are in neither secret
 * @throws ApiFailure for an answer that is not accepted, refused or gone
 */
export function callOutcome(
  name: string,
  call: Request,
  answer: HttpAnswer,
  sent: readonly string[],
): CallOutcome {
  const { accepted, refused = [401, 403], gone = [404, 410] } = call;
  const { status } = answer;
  if (meets(gone, answer)) return 'gone';
  if (meets(refused, answer)) return 'refused';
  if (accepted !== undefined && meets(accepted, answer)) return 'accepted';
  const failure = (problem: string): ApiFailure =>
    new ApiFailure(codeOfStatus(status), problem, { said: reasonIn(answer, sent) });
  const isSuccess = status >= 200 && status <= 299;
  const isAccepted = accepted === undefined ? isSuccess : names(accepted, answer);
  // The status says success. The body may still say that the call failed.
  if (isAccepted && isSuccess) {
    if (isWebPage(answer)) throw failure(`${name} was answered with a web page`);
    if (deniesItself(answer)) throw failure(`${name} was answered ${status} with an error`);
  }
  if (isAccepted) return 'accepted';
  if (names(refused, answer)) return 'refused';
  if (names(gone, answer)) return 'gone';
  throw failure(`${name} was answered ${status}`);
}

/** Whether an entry looks at the body or at a header. */
function looksInside(one: number | Condition): one is Condition {
  return typeof one !== 'number' && (one.at !== undefined || one.header !== undefined);
}

/** Whether an entry is only statuses, and one of them is this one. */
function hasStatus(one: number | Condition, status: number): boolean {
  if (typeof one === 'number') return one === status;
  const { status: given, at, header } = one;
  const isBare = at === undefined && header === undefined && given !== undefined;
  return isBare && [given].flat().includes(status);
}

/** Whether one of the entries names the answer's status, and nothing else. */
function names(outcome: Outcome, { status }: HttpAnswer): boolean {
  return outcome.some((one) => hasStatus(one, status));
}

/** Whether the answer's body or a header meets one of the entries. */
function meets(outcome: Outcome, answer: HttpAnswer): boolean {
  return outcome.some((one) => looksInside(one) && isMet(one, answer));
}

function isMet({ status, at, header, is, contains, exists }: Condition, answer: HttpAnswer): boolean {
  if (status !== undefined && ![status].flat().includes(answer.status)) return false;
  const json = at === undefined ? undefined : jsonOf(answer);
  const value = at === undefined ? (answer.headers.get(header ?? '') ?? undefined) : scalarAt(json, at);
  // A list or an object exists too, though it is no scalar.
  const isThere = (at === undefined ? value : (valueAt(json, at) ?? undefined)) !== undefined;
  if (exists !== undefined && exists !== isThere) return false;
  if (is !== undefined && ![is].flat().some((one) => one === value)) return false;
  if (
    contains !== undefined &&
    !String(value ?? '')
      .toLowerCase()
      .includes(contains.toLowerCase())
  )
    return false;
  return exists !== undefined || is !== undefined || contains !== undefined || isThere;
}

function jsonOf({ text }: HttpAnswer): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Names of members that say whether a call succeeded, in lower case, without hyphens and underscores. */
const successes =
  /^(?:is)?(?:ok|success|successful|succeeded|active|valid|authenticated|authori[sz]ed|loggedin)$/;
const failures = /^(?:errors?|fault|exception|errcode|errorcode)$/;
const statuses = /^(?:status|statuscode|httpstatus|httpcode|code|result)$/;

/**
 * Whether the body says that the call failed, though the status is one of success. Slack's API answers like this
 * (https://docs.slack.dev/apis/web-api/#responses). So do APIs in the styles of JSON:API, GraphQL and JSend
 * (https://github.com/omniti-labs/jsend).
 */
function deniesItself(answer: HttpAnswer): boolean {
  const json = jsonOf(answer);
  if (json === false) return true;
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return false;
  return Object.entries(json).some(([written, value]) => {
    const name = written.toLowerCase().replaceAll(/[_-]/g, '');
    if (successes.test(name)) return isNo(value);
    if (failures.test(name)) return isSomething(value);
    return statuses.test(name) && isFailedStatus(value);
  });
}

function isNo(value: unknown): boolean {
  return value === false || value === 0 || (typeof value === 'string' && value.toLowerCase() === 'false');
}

function isSomething(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return value !== undefined && value !== null && value !== false && value !== '' && value !== 0;
}

function isFailedStatus(value: unknown): boolean {
  if (typeof value === 'string') return /^(?:error|fail|failed|failure)$/i.test(value);
  return typeof value === 'number' && value >= 400 && value <= 599;
}
