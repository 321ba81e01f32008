import { optionalText } from '../documents/fields.ts';
import { type Duration, invalidOption } from './duration.ts';
import type { Secret } from './secrets.ts';
import type { SecretValue } from './value.ts';

type Fetch = typeof globalThis.fetch;

/** How a token is sent. */
export interface FetchOptions {
  /** Where the token may go, such as `https://api.example`. Default: the origin of the secret's `host` or `url`. */
  readonly origin?: string;
  /** The secret's field with the token. Default: `token` or `access_token`; all of a plain text. */
  readonly field?: string;
  /** The header for the token. Default: `authorization`. */
  readonly header?: string;
  /** The text before the token. Default: `Bearer ` in the header `authorization`, nothing in others. */
  readonly prefix?: string;
  /** Whether an answer means that the token is refused. Default: status 401. */
  readonly isRefused?: (response: Response) => boolean | Promise<boolean>;
  /** For how long to look for another token after a refusal. Default: 2 seconds. */
  readonly deadline?: Duration;
  /** Another `fetch`, such as undici's. */
  readonly fetch?: typeof globalThis.fetch;
}

/** Sends a request with the secret's token; see createFetch. */
export async function fetchWith(
  secret: Secret,
  options: FetchOptions,
  ...[input, init]: Parameters<Fetch>
): Promise<Response> {
  const { header = 'authorization', isRefused = ({ status }: Response) => status === 401 } = options;
  const isStandard = header.toLowerCase() === 'authorization';
  const { prefix = isStandard ? 'Bearer ' : '', deadline = '2s', fetch = globalThis.fetch } = options;
  const requested = input instanceof Request ? input : undefined;
  // A stream can be read only once, so it is copied for each attempt. Any other body can be sent again.
  const isStream = (requested?.body ?? null) !== null || isReadOnce(init?.body);
  const copied = isStream ? new Request(input, init) : undefined;
  const url = requested?.url ?? String(input);
  const signal = init?.signal ?? requested?.signal;
  // On a redirect to another origin, fetch drops the standard header, but sends any other one along.
  const mode = init?.redirect ?? requested?.redirect ?? 'follow';
  const redirect = isStandard || mode !== 'follow' ? mode : 'error';
  const refused = Symbol('refused');
  let answer: Response | undefined;
  const sendWithToken = async (value: SecretValue): Promise<Response> => {
    // Nobody gets the earlier, refused answer.
    await answer?.body?.cancel();
    answer = undefined;
    requireOrigin(url, value, options.origin);
    const headers = new Headers(init?.headers ?? requested?.headers);
    headers.set(header, prefix + tokenOf(value, options.field));
    const response = await (copied === undefined
      ? fetch(input, { ...init, headers, redirect })
      : fetch(new Request(copied.clone(), { headers, redirect })));
    if (!(await isRefused(response))) return response;
    answer = response;
    throw refused;
  };
  try {
    const isOwn = (error: unknown): boolean => error === refused;
    return await secret.use(sendWithToken, { isRefused: isOwn, deadline, ...(signal && { signal }) });
  } catch (error) {
    if (error === refused && answer !== undefined) return answer;
    throw error;
  }
}

function isReadOnce(body: RequestInit['body']): boolean {
  if (body instanceof ReadableStream) return true;
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body;
}

function requireOrigin(url: string, { fields }: SecretValue, given: string | undefined): void {
  const target = given ?? optionalText(fields, 'host') ?? optionalText(fields, 'url') ?? '';
  const origin = URL.canParse(target) ? new URL(target).origin : undefined;
  if (origin === undefined || origin === 'null') {
    throw invalidOption('origin', 'is no URL, and the secret names none', 'Say where the token may go.');
  }
  if (URL.canParse(url) && new URL(url).origin === origin) return;
  throw invalidOption('origin', `is ${origin}, and the request goes elsewhere`, 'Use another fetch for it.');
}

function tokenOf({ fields, form }: SecretValue, field: string | undefined): string {
  const names =
    field === undefined ? ['token', 'access_token', ...(form === 'text' ? ['password'] : [])] : [field];
  for (const name of names) {
    const token = optionalText(fields, name);
    if (token !== undefined) return token;
  }
  throw invalidOption(
    'field',
    `names no token: the secret has none of ${names.join(', ')}`,
    'Name its field.',
  );
}
