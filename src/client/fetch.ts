import { optionalText } from '../documents/fields.ts';
import { type Duration, invalidOption } from './duration.ts';
import type { Secret } from './secrets.ts';
import type { SecretValue } from './value.ts';

/** How a token is sent. */
export interface FetchOptions {
  /** Where the token may go, such as `https://api.example`; the origin of the secret's `host` or `url` if absent. */
  readonly origin?: string;
  /** The secret's field that holds the token; `token`, `access_token` or, of a plain text, all of it, if absent. */
  readonly field?: string;
  /** The header that it goes in; `authorization` if absent. */
  readonly header?: string;
  /** What stands before it; `Bearer ` in the header `authorization`, else nothing. */
  readonly prefix?: string;
  /** Whether an answer means that the token is refused; 401 if absent. */
  readonly isRefused?: (response: Response) => boolean | Promise<boolean>;
  /** For how long another token is looked for after a refusal; 2 seconds if absent. */
  readonly deadline?: Duration;
  /** Another `fetch`, such as undici's. */
  readonly fetch?: typeof globalThis.fetch;
}

/**
 * A `fetch` that adds the secret's token. An answer of 401 is met as a refusal is by {@link Secret.use}; where it stays,
 * it is answered as it is. The token goes to its origin alone, and follows no redirect to another.
 *
 * @throws (when it is called) InvalidConfiguration for another origin or no token; as {@link Secret.get}; what fetch throws
 */
export function createFetch(secret: Secret, options: FetchOptions = {}): typeof globalThis.fetch {
  const { header = 'authorization', isRefused = ({ status }: Response) => status === 401 } = options;
  const isStandard = header.toLowerCase() === 'authorization';
  const { prefix = isStandard ? 'Bearer ' : '', deadline = '2s' } = options;

  return async (input, init) => {
    const request = new Request(input, init);
    // fetch takes the standard header off at the border of an origin, and carries any other one across.
    const redirect = isStandard || request.redirect !== 'follow' ? {} : ({ redirect: 'error' } as const);
    const refused = Symbol('refused');
    let answer: Response | undefined;
    const send = async (value: SecretValue): Promise<Response> => {
      // The answer before this one is given to nobody.
      await answer?.body?.cancel();
      answer = undefined;
      requireOrigin(request.url, value, options.origin);
      const attempt = new Request(request.clone(), redirect);
      attempt.headers.set(header, prefix + tokenOf(value, options.field));
      const response = await (options.fetch ?? globalThis.fetch)(attempt);
      if (!(await isRefused(response))) return response;
      answer = response;
      throw refused;
    };
    try {
      const { signal } = request;
      return await secret.use(send, { isRefused: (error) => error === refused, deadline, signal });
    } catch (error) {
      if (error === refused && answer !== undefined) return answer;
      throw error;
    }
  };
}

function requireOrigin(url: string, { fields }: SecretValue, given: string | undefined): void {
  const target = given ?? optionalText(fields, 'host') ?? optionalText(fields, 'url') ?? '';
  const origin = URL.canParse(target) ? new URL(target).origin : undefined;
  if (origin === undefined || origin === 'null') {
    throw invalidOption('origin', 'is no URL, and the secret names none', 'Say where the token may go.');
  }
  if (new URL(url).origin === origin) return;
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
