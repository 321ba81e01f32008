import { contradictoryField, optionalText, requireText, type SecretFields } from '../../src/rotator/index.ts';
import { isSafe } from '../http/url.ts';

/** @throws InvalidSecretField */
function parseEndpoint(field: string, text: string): string {
  const url = URL.parse(text);
  if (url === null || !isSafe(url))
    throw contradictoryField(field, 'must be a URL that begins with https://');
  if (url.username !== '' || url.password !== '' || url.hash !== '')
    throw contradictoryField(field, 'must have neither a login nor a fragment in it');
  return text;
}

/** A URL to which credentials may be sent. @throws InvalidSecretField */
export function requireEndpoint(fields: SecretFields, field: string): string {
  return parseEndpoint(field, requireText(fields, field));
}

/** A URL to which credentials may be sent; undefined if the field is absent. @throws InvalidSecretField */
export function optionalEndpoint(fields: SecretFields, field: string): string | undefined {
  const text = optionalText(fields, field);
  return text === undefined ? undefined : parseEndpoint(field, text);
}
