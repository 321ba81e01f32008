import { asHeader, asSegment, asUsername, basic } from '../http/encoding.ts';
import type { HttpRequest } from '../http/send.ts';
import type { Authentication, Request } from './description.ts';
import { signAppToken } from './jwt.ts';
import { fill, fillAll, fillJson, unencoded, type Values } from './template.ts';

/**
 * Makes the request of a call, with all placeholders filled in.
 *
 * @param nowMs the server's time, in ms since 1970, for tokens that are signed
 * @throws InvalidSecretField if a value is missing, or does not fit its place, such as a line break in a header
 */
export function makeRequest(call: Request, baseUrl: string, values: Values, nowMs = Date.now()): HttpRequest {
  const url = new URL(baseUrl + fill(call.path, values, asSegment));
  for (const [name, value] of fillAll(call.query ?? {}, values, unencoded)) url.searchParams.set(name, value);
  const { content, body } = makeBody(call, values);
  const headers: Record<string, string> = { accept: 'application/json', ...content };
  for (const [name, value] of fillAll(call.headers ?? {}, values, asHeader))
    headers[name.toLowerCase()] = value;
  authenticate(call.auth, { url, headers, nowMs }, values);
  return { method: call.method, url, headers, body };
}

interface Body {
  readonly content: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

function makeBody({ json, form }: Request, values: Values): Body {
  if (json !== undefined) {
    return { content: { 'content-type': 'application/json' }, body: JSON.stringify(fillJson(json, values)) };
  }
  if (form === undefined) return { content: {}, body: undefined };
  const body = new URLSearchParams(fillAll(form, values, unencoded));
  const content = { 'content-type': 'application/x-www-form-urlencoded' };
  return { content, body: body.toString() };
}

interface Outgoing {
  readonly url: URL;
  readonly headers: Record<string, string>;
  readonly nowMs: number;
}

function authenticate(auth: Authentication, { url, headers, nowMs }: Outgoing, values: Values): void {
  switch (auth.scheme) {
    case 'bearer':
      headers.authorization = `Bearer ${fill(auth.token, values, asHeader)}`;
      return;
    case 'basic':
      headers.authorization = basic(
        fill(auth.username, values, asUsername),
        fill(auth.password, values, unencoded),
      );
      return;
    case 'header':
      headers[auth.name.toLowerCase()] = fill(auth.value, values, asHeader);
      return;
    case 'query':
      url.searchParams.set(auth.name, fill(auth.value, values, unencoded));
      return;
    case 'jwt': {
      const [issuer, key] = [fill(auth.issuer, values, unencoded), fill(auth.privateKey, values, unencoded)];
      headers.authorization = `Bearer ${signAppToken(issuer, key, nowMs)}`;
      return;
    }
    case 'client-credentials':
      headers.authorization = `Bearer ${fill('{granted}', values, asHeader)}`;
  }
}
