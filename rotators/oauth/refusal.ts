import { AdapterError, type ErrorCode } from '../../src/rotator/index.ts';
import { classify as codeOfFailure, codeOfStatus } from '../http/failure.ts';
import { textAt } from '../http/json.ts';

/** What the server answered instead of what it was asked for. */
export class Refusal extends AdapterError {
  override readonly name = 'Refusal';
  readonly status: number;
  /** Such as `invalid_grant`: RFC 6749, section 5.2. */
  readonly code: string | undefined;

  /** @param said the server's own reason, which is masked where it is told */
  constructor(status: number, code: string | undefined, said?: string) {
    super(`the server answers ${status}${code === undefined ? '' : ` (${code})`}`, { said });
    this.status = status;
    this.code = code;
  }
}

/** Whether it is the client that the server refuses, for what it says of itself. */
export function isClientRefused(error: unknown): boolean {
  return error instanceof Refusal && (error.status === 401 || error.code === 'invalid_client');
}

/** Passes an answer on; anything but 200 is thrown, by its code and its description. @throws Refusal */
export async function accepted(response: Response): Promise<Response> {
  if (response.status === 200) return response;
  const text = await response.text();
  throw new Refusal(response.status, codeIn(text), descriptionIn(text));
}

/** RFC 6749, section 5.2. */
function descriptionIn(body: string): string | undefined {
  try {
    return textAt(JSON.parse(body), '/error_description')?.slice(0, 300);
  } catch {
    return undefined;
  }
}

function codeIn(body: string): string | undefined {
  try {
    const { error }: { error?: unknown } = Object(JSON.parse(body));
    return typeof error === 'string' && /^[\w.-]{1,64}$/.test(error) ? error : undefined;
  } catch {
    return undefined;
  }
}

/** What a thrown error means: an answer of the server's, or a call that got none. */
export function classify(error: unknown): ErrorCode | undefined {
  if (!(error instanceof Refusal)) return codeOfFailure(error);
  if (isClientRefused(error) || error.status === 403) return 'PermissionDenied';
  return codeOfStatus(error.status);
}
