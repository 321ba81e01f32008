import { basic } from './encoding.ts';

/** What an OAuth client is known by. */
export interface ClientCredentials {
  readonly clientId: string;
  /** Absent for a public client. */
  readonly clientSecret?: string | undefined;
}

/**
 * A way in which a client says who it is. RFC 6749, section 2.3.1, has the id and the secret encoded before they are joined
 * for Basic authentication. `plain-basic` is for the servers that don't decode them.
 */
export type Way = 'basic' | 'plain-basic' | 'post' | 'none';

/** Which way has worked, by endpoint and client. Kept for as long as the function is warm. */
export type KnownWays = Map<string, Way>;

/** By the names of RFC 7591, section 2. */
const waysByMethod: Readonly<Record<string, readonly Way[]>> = {
  client_secret_basic: ['basic', 'plain-basic'],
  client_secret_post: ['post'],
  none: ['none'],
};

/** The ways of some methods, likeliest first. None of a method that is not known here, such as `private_key_jwt`. */
export function waysOfMethods(methods: readonly string[], client: ClientCredentials): Way[] {
  const ways = methods.flatMap((method) => waysByMethod[method] ?? []);
  const isSame = basicOf(client, formEncoded) === basicOf(client, String);
  // RFC 7617, section 2: what is not encoded ends a username at its first colon.
  const hasPlain = !isSame && !client.clientId.includes(':');
  return [...new Set(ways)].filter((way) => way !== 'plain-basic' || hasPlain);
}

/** What a request carries in which a client says who it is. */
export interface ShownCredentials {
  readonly authorization?: string;
  readonly form: Readonly<Record<string, string>>;
}

/** Shows a client's credentials in one of the ways. */
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

/** As forms are encoded: RFC 6749, appendix B. */
function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
}
