import { setTimeout as sleep } from 'node:timers/promises';
import type { Dispatcher } from 'undici';
import { ApiFailure, networkFailure } from './failure.ts';
import type { Transport } from './transport.ts';
import { isSafe } from './url.ts';

/** A request, ready to be sent. */
export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  /** The names are in small letters. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

/** The settings of a call, besides its request. */
export interface Sending {
  /** The call's name in errors. */
  readonly name: string;
  /** How long to wait for the whole answer, in ms. Default: 10,000. */
  readonly timeoutMs?: number;
  /** Whether an answer means "try again later", besides 503. Default: 429. */
  readonly isThrottled?: (answer: HttpAnswer) => boolean;
  /** `reads`: GET follows redirects to the same origin. Default: no redirect is followed. */
  readonly redirects?: 'reads' | 'refused';
  readonly signal: AbortSignal;
}

/** A whole answer. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** Most bytes of an answer. */
const mostBytes = 1_048_576;
const mostRedirects = 3;
/** The longest `Retry-After` that is waited for. */
const longestWaitMs = 20_000;
const defaultTimeoutMs = 10_000;

/**
 * Sends a request. Repeats it once if the answer says "later", and `Retry-After` is at most 20 seconds. Every call of every HTTP
 * rotator goes through here. So each call goes by https or to this machine, uses the transport's proxy and authorities, and has
 * limits on the answer's size and time.
 *
 * @throws ApiFailure: TargetBusy for an answer that says "later", CertificateRejected, TargetUnreachable for a lost
 *   connection or no answer in time, TargetFailed for a redirect that is not followed or an answer over 1 MiB; the
 *   signal's reason when that fires
 * @internal
 */
export async function send(
  request: HttpRequest,
  sending: Sending,
  transport: Transport,
): Promise<HttpAnswer> {
  const answer = await sendOnce(request, sending, transport);
  const { name, signal, isThrottled = ({ status }) => status === 429 } = sending;
  const isBusy = (given: HttpAnswer): boolean => given.status === 503 || isThrottled(given);
  if (!isBusy(answer)) return answer;
  const waitMs = retryAfterMs(answer.headers);
  if (waitMs === undefined || waitMs > longestWaitMs) throw busy(name, answer);
  await sleep(waitMs, undefined, { signal }).catch(() => signal.throwIfAborted());
  const next = await sendOnce(request, sending, transport);
  if (isBusy(next)) throw busy(name, next);
  return next;
}

function busy(name: string, { status }: HttpAnswer): ApiFailure {
  return new ApiFailure('TargetBusy', `${name} was answered ${status}: try again later`);
}

/** The header `Retry-After` has seconds, or a date (RFC 9110, section 10.2.3). */
function retryAfterMs(headers: Headers): number | undefined {
  const value = headers.get('retry-after');
  if (value === null) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

async function sendOnce(request: HttpRequest, sending: Sending, transport: Transport): Promise<HttpAnswer> {
  const { name, timeoutMs = defaultTimeoutMs, redirects = 'refused', signal } = sending;
  if (!isSafe(request.url))
    throw new ApiFailure('TargetFailed', `${name} would be sent to an endpoint that is not https`);
  const dispatcher = await transport();
  const timeOut = AbortSignal.timeout(timeoutMs);
  try {
    return await follow(request, { name, redirects, signal: AbortSignal.any([signal, timeOut]) }, dispatcher);
  } catch (error) {
    if (error instanceof ApiFailure) throw error;
    signal.throwIfAborted();
    if (!timeOut.aborted) throw networkFailure(name, error);
    throw new ApiFailure('TargetUnreachable', `${name} got no whole answer in ${timeoutMs / 1000} s`);
  }
}

/** Only GET follows redirects, and only to the same origin. So credentials go nowhere else. */
async function follow(
  request: HttpRequest,
  { name, redirects: followed, signal }: Pick<Sending, 'name' | 'redirects' | 'signal'>,
  dispatcher: Dispatcher | undefined,
): Promise<HttpAnswer> {
  const { method } = request;
  const headers = { 'user-agent': 'keyturn', ...request.headers };
  const body = request.body ?? null;
  let { url } = request;
  for (let redirects = 0; ; redirects += 1) {
    const response = await fetch(url.href, {
      method,
      headers,
      body,
      redirect: 'manual',
      signal,
      ...(dispatcher && { dispatcher }),
    });
    if (response.status < 300 || response.status > 399) return readAnswer(response, name);
    await response.body?.cancel();
    const location = response.headers.get('location');
    if (location === null || !URL.canParse(location, url.href))
      throw redirected(name, response, 'to nowhere');
    const next = new URL(location, url);
    if (followed !== 'reads') throw redirected(name, response, 'elsewhere');
    if (next.origin !== url.origin) throw redirected(name, response, 'to another host');
    if (method !== 'GET') throw redirected(name, response, 'though it is no read');
    if (redirects === mostRedirects) throw redirected(name, response, 'too often');
    url = next;
  }
}

function redirected(name: string, { status }: Response, where: string): ApiFailure {
  return new ApiFailure(
    'TargetFailed',
    `${name} was redirected (${status}) ${where}; nothing was sent there`,
  );
}

async function readAnswer(response: Response, name: string): Promise<HttpAnswer> {
  const { status, headers } = response;
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > mostBytes) {
      throw new ApiFailure('TargetFailed', `${name} was answered with more than ${mostBytes} bytes`);
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return { status, headers, text: text + decoder.decode() };
}
