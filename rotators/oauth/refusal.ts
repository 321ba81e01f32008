import { AdapterError, type ErrorCode } from '../../src/rotator/index.ts';
import { classify as codeOfFailure, codeOfStatus } from '../http/failure.ts';
import { reasonIn } from '../http/json.ts';

/** An error that the server answered. */
export class Refusal extends AdapterError {
  override readonly name = 'Refusal';
  readonly status: number;
  /** The error code, such as `invalid_grant` (RFC 6749, section 5.2). */
  readonly code: string | undefined;

  /** @param said the server's own reason. Core masks it when it shows it. */
  constructor(status: number, code: string | undefined, said?: string) {
    super(`the server answers ${status}${code === undefined ? '' : ` (${code})`}`, { said });
    this.status = status;
    this.code = code;
  }
}

/** Whether the server refuses the client's own credentials. */
export function isClientRefused(error: unknown): boolean {
  return error instanceof Refusal && (error.status === 401 || error.code === 'invalid_client');
}

/** Returns an answer with the status 200. @throws Refusal, with the error code and the description, for any other status */
export async function accepted(response: Response): Promise<Response> {
  if (response.status === 200) return response;
  const text = await response.text();
  const said = reasonIn({ text, headers: response.headers }, [], ['/error_description']);
  throw new Refusal(response.status, codeIn(text), said);
}

/**
 * Checks the answer of a revocation. Its body says nothing (RFC 7009, section 2.2). But a web page, such as a proxy's login page, is no
 * answer of the server.
 *
 * @throws Refusal for another status than 200, AdapterError for a web page
 */
export async function acceptedRevocation(response: Response): Promise<void> {
  const text = await (await accepted(response)).text();
  if (/^\s*</.test(text)) throw new AdapterError('the server answers with a web page');
}

function codeIn(body: string): string | undefined {
  try {
    const { error }: { error?: unknown } = Object(JSON.parse(body));
    return typeof error === 'string' && /^[\w.-]{1,64}$/.test(error) ? error : undefined;
  } catch {
    return undefined;
  }
}

/** The error code of a thrown error: an error that the server answered, or a call without an answer. */
export function classify(error: unknown): ErrorCode | undefined {
  if (!(error instanceof Refusal)) return codeOfFailure(error);
  if (isClientRefused(error) || error.status === 403) return 'PermissionDenied';
  return codeOfStatus(error.status);
}
