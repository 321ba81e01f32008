import { contradictoryField } from '../../src/rotator/index.ts';

/**
 * Encodes a segment of a URL's path, or a part of one. The text can't end the segment, nor leave it with `..`.
 *
 * @throws InvalidSecretField, naming `field`, for `.` and `..`
 */
export function asSegment(text: string, field: string): string {
  if (/^\.\.?$/.test(text)) throw contradictoryField(field, 'must not be "." or "..": it is put into a URL');
  return encodeURIComponent(text);
}

/**
 * Checks a header's value: visible ASCII characters and spaces (RFC 9110, section 5.5).
 *
 * @throws InvalidSecretField, naming `field`
 */
export function asHeader(text: string, field: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text;
  throw contradictoryField(field, 'has a character that a header can not hold');
}

/**
 * Checks a username for Basic authentication. It must not have a colon (RFC 7617, section 2).
 *
 * @throws InvalidSecretField, naming `field`
 */
export function asUsername(text: string, field: string): string {
  if (!text.includes(':')) return text;
  throw contradictoryField(field, 'must not have a colon: Basic authentication ends a username there');
}

/** The header's value for Basic authentication, in UTF-8 (RFC 7617). */
export function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}
