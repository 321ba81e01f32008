import { invalidNextToken } from '../errors.ts';
import type { PageStart } from '../store/store.ts';

/** The start of a page as the API's opaque token. */
export function encodeStart(start: PageStart): string {
  return Buffer.from(JSON.stringify(start)).toString('base64url');
}

/**
 * The inverse of {@link encodeStart}.
 * @throws ServiceError InvalidNextTokenException for any other text
 */
export function decodeStart(token: string): PageStart {
  const start = parse(Buffer.from(token, 'base64url').toString('utf8'));
  if (!isStart(start)) throw invalidNextToken();
  return start;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isStart(start: unknown): start is PageStart {
  if (!Array.isArray(start) || start.length !== 2) return false;
  const [key, position]: unknown[] = start;
  return (typeof key === 'string' || typeof key === 'number') && typeof position === 'number';
}
