import { connectionText, type Edit, notHeld, type ParsedText } from './form.ts';

/**
 * Whether a text can only be a token: it has the characters of a bearer token, and is long enough. A broken connection
 * string, broken JSON or a word has other characters or is shorter. Those are plain text only if the tag or the configuration
 * says so.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6750#section-2.1
 */
export function isToken(text: string): boolean {
  return /^[A-Za-z0-9._~+/-]{16,}={0,2}\r?\n?$/.test(text);
}

/** Reads a text that is the password or token itself. A line break at its end, as `echo` leaves it, is not part of it. */
export function parsePlainText(text: string): ParsedText {
  const value = text.replace(/\r?\n$/, '');
  const span = { start: 0, end: value.length };
  return {
    form: 'text',
    fields: { password: value },
    slots: [{ field: 'password', value, span, encode }],
    append: refuse,
    unsafeCharacters: '',
    others: [],
  };
}

function encode(changed: unknown): string {
  const value = connectionText('password', changed);
  if (value !== '' && !/[\r\n]$/.test(value)) return value;
  throw notHeld('password', 'must not be empty or end with a line break in a secret that is plain text');
}

function refuse(missing: ReadonlyMap<string, unknown>): Edit[] {
  for (const field of missing.keys()) throw notHeld(field, 'has no place in a secret that is plain text');
  return [];
}
