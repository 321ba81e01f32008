import type { Revocation } from '../../src/rotator/index.ts';
import type { Pointer } from '../http/json.ts';

/**
 * A text with places to be filled in, such as `/users/{secret.username}/tokens`. What stands in them is encoded for
 * where the text goes. Known are:
 *
 * - `{secret.NAME}`, `{admin.NAME}`: a field of the secret, or of the admin secret
 * - `{token}`: the token of the secret on whose behalf the call is made
 * - `{revoked.id}`, `{revoked.token}`: what is to be revoked; only in `revoke`
 * - `{label}`, `{requestToken}`, `{owner}`: what the new token is to be labelled with; only in `mint`
 * - `{password}`: a new random value, for APIs at which the caller chooses the token; only in `mint`
 * - `{expiry.date}` (YYYY-MM-DD), `{expiry.time}` (ISO 8601), `{expiry.seconds}`, `{expiry.days}` (from now),
 *   `{expiry.epoch}`, `{expiry.epochMs}` (since 1970): the end of `lifetimeDays`; only in `mint`
 * - `{kept.NAME}`: what a call of `before` has kept
 *
 * `{admin.NAME|365}` stands for 365 where there is no such field. `{admin.NAME?}` may be missing: a parameter, a header
 * or a JSON member that is this place alone is left out then.
 */
export type Template = string;

/** A JSON value whose strings are templates. A string that is one place alone becomes the value itself, list or number. */
export type JsonTemplate =
  | string
  | number
  | boolean
  | null
  | readonly JsonTemplate[]
  | { readonly [name: string]: JsonTemplate };

/** How a call shows who makes it: the token itself (`{token}`), or the admin (`{admin.NAME}`). */
export type Authentication =
  /** `Authorization: Bearer`, RFC 6750. */
  | { readonly scheme: 'bearer'; readonly token: Template }
  /** `Authorization: Basic`, RFC 7617. */
  | { readonly scheme: 'basic'; readonly username: Template; readonly password: Template }
  | { readonly scheme: 'header'; readonly name: string; readonly value: Template }
  /** In the URL, which gets into logs: for APIs that know nothing better. */
  | { readonly scheme: 'query'; readonly name: string; readonly value: Template }
  /** `Authorization: Bearer` with a JWT of ten minutes at most, signed RS256 by a key in PEM. */
  | { readonly scheme: 'jwt'; readonly issuer: Template; readonly privateKey: Template }
  /**
   * `Authorization: Bearer` with an access token that each call asks the token endpoint for, RFC 6749, section 4.4. Whom the
   * token endpoint refuses is refused.
   */
  | {
      readonly scheme: 'client-credentials';
      /** Https, or this machine; its host is no place to fill in. */
      readonly tokenUrl: Template;
      readonly clientId: Template;
      readonly clientSecret: Template;
      readonly scope?: Template;
      /**
       * How the client says who it is, RFC 7591, section 2. Default: as the server of `issuer` publishes; without that, the
       * form and then Basic authentication are tried, and what works is kept.
       */
      readonly authentication?: ClientAuthenticationMethod;
      /** The issuer whose metadata say how clients authenticate: RFC 8414. As `tokenUrl`, its host is spelled out. */
      readonly issuer?: Template;
    };

/** The methods of RFC 7591, section 2, that need no more than the client's id and its secret. */
export type ClientAuthenticationMethod = 'client_secret_basic' | 'client_secret_post';

/** What an answer must be like; all that is said must hold. */
export interface Condition {
  readonly status?: number | readonly number[];
  /** A place of the answer's JSON. Excludes `header`. */
  readonly at?: Pointer;
  /** The name of a header of the answer. */
  readonly header?: string;
  /** What stands there: this, or one of these. A header's value is a text. */
  readonly is?: Scalar | readonly Scalar[];
  /** A text that stands within what stands there, in whatever case. */
  readonly contains?: string;
  /** Whether anything stands there; null is nothing. Default, where neither `is` nor `contains` is said: true. */
  readonly exists?: boolean;
}

export type Scalar = string | number | boolean | null;

/** Statuses, or what the body or a header says. One of them is enough. What says more than a status is looked at first. */
export type Outcome = readonly (number | Condition)[];

/** Where an answer has something: in its JSON, in a header, or in a cookie that it sets. */
export type Place =
  | Pointer
  | { readonly at: Pointer }
  | { readonly header: string }
  | { readonly cookie: string };

/** Where an answer says when a token expires, and how: a text that is stored as it is, or a number. */
export type ExpiryPlace =
  | Place
  | {
      readonly at: Pointer;
      /** Seconds or milliseconds since 1970, or seconds from now. What is stored is ISO 8601. */
      readonly as: 'seconds' | 'milliseconds' | 'seconds-from-now';
    };

/** A request, and what its answers mean. */
export interface Request {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below the base URL; begins with a slash. */
  readonly path: Template;
  readonly query?: Readonly<Record<string, Template>>;
  readonly headers?: Readonly<Record<string, Template>>;
  /** The body as JSON; excludes `form`. */
  readonly json?: JsonTemplate;
  /** The body as `application/x-www-form-urlencoded`. */
  readonly form?: Readonly<Record<string, Template>>;
  readonly auth: Authentication;
  /**
   * What means success. Default: all statuses from 200 to 299. Where only a status says so, an answer of 200 to 299 that is
   * a web page, or that says itself that it failed (`"ok": false`, `"success": false`, `"error": ...`), is an error.
   */
  readonly accepted?: Outcome;
  /** What means that whoever calls is refused. Default: 401, 403. */
  readonly refused?: Outcome;
  /** What means that the thing that the call is about is not there. Default: 404, 410. */
  readonly gone?: Outcome;
  /** What means that it is to be tried later. Default: 429. 503 always does. */
  readonly throttled?: Outcome;
  /** Time for the answer in seconds. Default: 10. */
  readonly timeoutSeconds?: number;
}

/** A call that another one needs, such as a login for a session, or one that deactivates what is to be deleted. */
export interface PreparingCall extends Request {
  /** What is taken from its answer, for the places `{kept.NAME}` of later calls: also a list or an object, as it is. */
  readonly keep?: Readonly<Record<string, Place>>;
  /**
   * Where its answer says what the call that follows will change: it must be the value of the secret's `accountField`. If it is
   * another one, nothing is changed.
   */
  readonly account?: Place;
}

/** A call of the API. */
export interface Call extends Request {
  /** Calls that are made before it, each time. If one of them is refused or about nothing, so is the whole. */
  readonly before?: readonly PreparingCall[];
}

/** Makes a new token, beside the one that works. */
export interface MintCall extends Call {
  /** Where the answer has the new token; `{password}`: it is what the request has chosen. */
  readonly token: Place | '{password}';
  /** Where it has the token's id, which is not secret. */
  readonly id?: Place;
  /** Where it says when the token expires; `{expiry.time}`: when the request has asked for. */
  readonly expiresAt?: ExpiryPlace | '{expiry.time}' | '{expiry.date}';
  /** Further fields of the secret, and where the answer has them. What the answer lacks is stored as null. */
  readonly store?: Readonly<Record<string, Place>>;
}

/** Finds out whether a token is accepted; changes nothing. */
export interface VerifyCall extends Call {
  /** Where the answer has the id of the token that made the call. */
  readonly id?: Place;
  /** Where the answer says whose token it is: the value of the secret's `accountField`. */
  readonly account?: Place;
}

/** How a list goes on after its first page. */
export type NextPage =
  /** The header `Link` with `rel="next"`, RFC 8288. */
  | { readonly by: 'link' }
  /** A parameter that counts the pages; one without items is the last. */
  | { readonly by: 'page'; readonly parameter: string; readonly first?: number }
  /** What the answer has there, if anything, goes into the parameter. */
  | { readonly by: 'cursor'; readonly at: Pointer; readonly parameter: string }
  /** What the answer has there, if anything, is the URL of the next page. */
  | { readonly by: 'url'; readonly at: Pointer };

/** Lists tokens, so that those are found that were minted and never stored. */
export interface ListCall extends Call {
  /** Where the answer has the list. */
  readonly items: Pointer;
  /** Where an item has the token's id. */
  readonly id: Pointer;
  /** Where an item has what the token was labelled with: a text that holds it. */
  readonly label?: Pointer;
  /**
   * For APIs that keep no label: where this is true, such as `{admin.dedicated?}`, the account has tokens of this secret
   * alone. Then all that are listed and that no version holds are revoked.
   */
  readonly dedicated?: Template;
  readonly next?: NextPage;
}

/** Which fields of the secret hold the token. */
export interface TokenFields {
  /** Default: `token`. */
  readonly token?: string;
  /** Default: `tokenId`. */
  readonly id?: string;
  /** Default: `expiresAt`. */
  readonly expiresAt?: string;
}

/** An HTTP API that issues tokens, and how. Kept in the function's bundle and never in a secret. */
export interface ApiDescription {
  /** The rotator is called `api-token/NAME`. Small letters, digits and hyphens. */
  readonly name: string;
  /** Where the vendor documents these calls. */
  readonly source?: string;
  /** Where the API is, unless the secret says it in `host`. Only https, except to this machine. */
  readonly baseUrl?: string;
  /** Hosts at which this can't work, or `*.` and what they are below, and why: a sentence that an error shows. */
  readonly notAt?: Readonly<Record<string, string>>;
  /** The field of the secret that says whose token it is. Default: `username`. */
  readonly accountField?: string;
  readonly fields?: TokenFields;
  /** How long a new token is to live, for the places `{expiry...}`: days, or where they stand (`{admin.lifetimeDays|90}`). */
  readonly lifetimeDays?: number | Template;
  /** `none`: `mint` ends the token that it is called with. Default: `until-next-rotation`. */
  readonly overlap?: 'none' | 'until-next-rotation';
  /** When the token that was replaced is revoked. Default: `on-next-rotation`. */
  readonly revocation?: Revocation;
  readonly mint: MintCall;
  readonly verify: VerifyCall;
  /** Left out where a token ends by itself, or with `overlap` none. */
  readonly revoke?: Call;
  readonly list?: ListCall;
  /** Finds out whether the admin is accepted, where the admin secret has no token that `verify` could try. */
  readonly checkAdmin?: Call;
}

/** A description that comes with Keyturn, and what is different: by JSON merge patch (RFC 7396), null takes a member away. */
export interface ApiOverride {
  /** The name of the description that comes with Keyturn. */
  readonly extends: string;
  /** Default: the same name, so that it takes its place. */
  readonly name?: string;
  readonly [member: string]: unknown;
}
