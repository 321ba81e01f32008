import { ApiFailure, codeOfStatus } from '../http/failure.ts';
import { reasonIn, scalarAt, valueAt } from '../http/json.ts';
import type { HttpAnswer } from '../http/send.ts';
import type { Condition, Outcome, Request } from './description.ts';

/** The outcome of a call that got an answer. */
export type CallOutcome = 'accepted' | 'refused' | 'gone';

/** Whether an answer says that the call is to be made later. */
export function isThrottled({ throttled = [429] }: Request, answer: HttpAnswer): boolean {
  return throttled.includes(answer.status) || meets(throttled, answer);
}

/**
 * What an answer means. A condition on the body or a header says more than a status, so all of them are looked at first.
 *
 * @param sent what the request has carried that is secret and that nobody else knows
 * @throws ApiFailure for whatever is neither accepted nor refused nor gone
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
  if (accepted?.some((one) => looksInside(one) && isMet(one, answer))) return 'accepted';
  const failure = (problem: string): ApiFailure =>
    new ApiFailure(codeOfStatus(status), problem, { said: reasonIn(answer, sent) });
  const isSuccess = status >= 200 && status <= 299;
  const isAccepted = accepted === undefined ? isSuccess : accepted.some((one) => hasStatus(one, status));
  // A status alone says nothing of the body.
  if (isAccepted && isSuccess) {
    if (isWebPage(answer)) throw failure(`${name} was answered with a web page`);
    if (deniesItself(answer)) throw failure(`${name} was answered ${status} with an error`);
  }
  if (isAccepted) return 'accepted';
  if (refused.includes(status)) return 'refused';
  if (gone.includes(status)) return 'gone';
  throw failure(`${name} was answered ${status}`);
}

/** Whether a condition says more than a status. */
function looksInside(one: number | Condition): one is Condition {
  return typeof one !== 'number' && (one.at !== undefined || one.header !== undefined);
}

/** Whether what says no more than a status names this one. */
function hasStatus(one: number | Condition, status: number): boolean {
  if (typeof one === 'number') return one === status;
  const { status: given, at, header } = one;
  const isBare = at === undefined && header === undefined && given !== undefined;
  return isBare && [given].flat().includes(status);
}

function meets(outcome: Outcome, answer: HttpAnswer): boolean {
  return outcome.some((one) => typeof one !== 'number' && isMet(one, answer));
}

function isMet({ status, at, header, is, contains, exists }: Condition, answer: HttpAnswer): boolean {
  if (status !== undefined && ![status].flat().includes(answer.status)) return false;
  if (at === undefined && header === undefined) return status !== undefined;
  const json = at === undefined ? undefined : jsonOf(answer);
  const value = at === undefined ? (answer.headers.get(header ?? '') ?? undefined) : scalarAt(json, at);
  // A list or an object counts as existing too.
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

/** Whether an answer is a page for people, such as that of a login, whatever type it is sent as. */
function isWebPage({ headers, text }: HttpAnswer): boolean {
  const isNamed = /^(?:text\/html|application\/xhtml\+xml)\b/i.test(headers.get('content-type') ?? '');
  return isNamed || /^\s*<(?:!doctype\s+html|html)\b/i.test(text);
}

/** What APIs call whether a call has succeeded, without what separates its words. */
const successes =
  /^(?:is)?(?:ok|success|successful|succeeded|active|valid|authenticated|authori[sz]ed|loggedin)$/;
const failures = /^(?:errors?|fault|exception|errcode|errorcode)$/;
const statuses = /^(?:status|statuscode|httpstatus|httpcode|code|result)$/;

/**
 * Whether an answer says by itself that the call has failed, though its status is one of success. Slack's API does
 * (https://docs.slack.dev/apis/web-api/#responses), and those of the styles of JSON:API, GraphQL and JSend
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
