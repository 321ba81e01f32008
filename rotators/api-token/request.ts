import { asHeader, asSegment, asUsername, basic } from '../http/encoding.ts';
import type { HttpRequest } from '../http/send.ts';
import type { Authentication, Call } from './description.ts';
import { signAppToken } from './jwt.ts';
import { asIs, fill, fillJson, type Values } from './template.ts';

/**
 * Fills a call in.
 *
 * @throws InvalidSecretField for a value that is missing or does not fit where it goes
 */
export function makeRequest(call: Call, baseUrl: string, values: Values): HttpRequest {
  const url = new URL(baseUrl + fill(call.path, values, asSegment));
  for (const [name, template] of Object.entries(call.query ?? {})) {
    url.searchParams.set(name, fill(template, values, asIs));
  }
  const { content, body } = makeBody(call, values);
  const headers: Record<string, string> = { accept: 'application/json', 'user-agent': 'keyturn', ...content };
  for (const [name, template] of Object.entries(call.headers ?? {})) {
    headers[name.toLowerCase()] = fill(template, values, asHeader);
  }
  authenticate(call.auth, { url, headers }, values);
  return { method: call.method, url, headers, body };
}

interface Body {
  readonly content: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

function makeBody({ json, form }: Call, values: Values): Body {
  if (json !== undefined) {
    return { content: { 'content-type': 'application/json' }, body: JSON.stringify(fillJson(json, values)) };
  }
  if (form === undefined) return { content: {}, body: undefined };
  const body = new URLSearchParams();
  for (const [name, template] of Object.entries(form)) body.set(name, fill(template, values, asIs));
  const content = { 'content-type': 'application/x-www-form-urlencoded' };
  return { content, body: body.toString() };
}

interface Outgoing {
  readonly url: URL;
  readonly headers: Record<string, string>;
}

function authenticate(auth: Authentication, { url, headers }: Outgoing, values: Values): void {
  switch (auth.scheme) {
    case 'bearer':
      headers.authorization = `Bearer ${fill(auth.token, values, asHeader)}`;
      return;
    case 'basic':
      headers.authorization = basic(
        fill(auth.username, values, asUsername),
        fill(auth.password, values, asIs),
      );
      return;
    case 'header':
      headers[auth.name.toLowerCase()] = fill(auth.value, values, asHeader);
      return;
    case 'query':
      url.searchParams.set(auth.name, fill(auth.value, values, asIs));
      return;
    case 'jwt': {
      const [issuer, key] = [fill(auth.issuer, values, asIs), fill(auth.privateKey, values, asIs)];
      headers.authorization = `Bearer ${signAppToken(issuer, key)}`;
      return;
    }
    case 'client-credentials':
      headers.authorization = `Bearer ${fill('{granted}', values, asHeader)}`;
  }
}
