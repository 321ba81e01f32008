import { basic } from './encoding.ts';

/** The id and secret of an OAuth client. */
export interface ClientCredentials {
  readonly clientId: string;
  /** Absent for a public client. */
  readonly clientSecret?: string | undefined;
}

/**
 * A way in which a client shows who it is.
 *
 * - `basic`: Basic authentication. The id and the secret are encoded before they are joined (RFC 6749, section 2.3.1).
 * - `plain-basic`: Basic authentication without this encoding, for servers that don't decode.
 * - `post`: id and secret in the form.
 * - `none`: only the id in the form, for a public client.
 */
export type Way = 'basic' | 'plain-basic' | 'post' | 'none';

/** The way that has worked, by {@link knownWayKey}. Kept while the function is warm. */
export type KnownWays = Map<string, Way>;

/** The ways of each method, by the method's name in RFC 7591, section 2. */
const waysByMethod: Readonly<Record<string, readonly Way[]>> = {
  client_secret_basic: ['basic', 'plain-basic'],
  client_secret_post: ['post'],
  none: ['none'],
};

/**
 * The key of a client at an endpoint. It says whether encoding changes the client's credentials. Otherwise a way that works for an old
 * client secret would be taken for the new one too, and a server that doesn't decode would refuse that.
 */
export function knownWayKey(endpoint: readonly unknown[], client: ClientCredentials): string {
  return JSON.stringify([...endpoint, client.clientId, isChangedByEncoding(client)]);
}

function isChangedByEncoding(client: ClientCredentials): boolean {
  return basicOf(client, formEncoded) !== basicOf(client, String);
}

/** The ways of some methods, the likeliest first. Methods that are not known here, such as `private_key_jwt`, have none. */
export function waysOfMethods(methods: readonly string[], client: ClientCredentials): Way[] {
  const ways = methods.flatMap((method) => waysByMethod[method] ?? []);
  // Without encoding, a colon would end the username (RFC 7617, section 2).
  const hasPlain = isChangedByEncoding(client) && !client.clientId.includes(':');
  return [...new Set(ways)].filter((way) => way !== 'plain-basic' || hasPlain);
}

/** The header and the form fields that show who a client is. */
export interface ShownCredentials {
  readonly authorization?: string;
  readonly form: Readonly<Record<string, string>>;
}

/** The header and the form fields for one of the ways. */
export function showBy(way: Way, client: ClientCredentials): ShownCredentials {
  const { clientId, clientSecret = '' } = client;
  switch (way) {
    case 'basic':
      return { authorization: basicOf(client, formEncoded), form: {} };
    case 'plain-basic':
      return { authorization: basicOf(client, String), form: {} };
    case 'post':
      return { form: { client_id: clientId, client_secret: clientSecret } };
    case 'none':
      return { form: { client_id: clientId } };
  }
}

function basicOf(
  { clientId, clientSecret = '' }: ClientCredentials,
  encode: (text: string) => string,
): string {
  return basic(encode(clientId), encode(clientSecret));
}

/** Encodes a text as in a form: RFC 6749, appendix B. */
function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
}
