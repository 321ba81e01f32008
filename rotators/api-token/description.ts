import type { Revocation } from '../../src/rotator/index.ts';
import type { Pointer } from '../http/json.ts';

/**
 * A text with placeholders, such as `/users/{secret.username}/tokens`. Each value is encoded for its place: path, query,
 * header, form or JSON. The placeholders are:
 *
 * - `{secret.NAME}`, `{admin.NAME}`: a field of the secret, or of the admin secret
 * - `{token}`: the token of the secret
 * - `{revoked.id}`, `{revoked.token}`: the token that is to be revoked; only in `revoke`
 * - `{label}`, `{requestToken}`, `{owner}`: the new token's label, and its parts; only in `mint`
 * - `{password}`: a new random value, for APIs at which the caller chooses the token; only in `mint`
 * - `{expiry.date}` (YYYY-MM-DD), `{expiry.time}` (ISO 8601), `{expiry.seconds}` and `{expiry.days}` (from now),
 *   `{expiry.epoch}` (seconds since 1970), `{expiry.epochMs}` (ms since 1970): the end of `lifetimeDays`; only in `mint`
 * - `{kept.NAME}`: a value that an earlier call of `before` has kept
 *
 * `{admin.NAME|365}` means 365 if the field is missing. `{admin.NAME?}` is optional. If its field is missing, a parameter, a
 * header, a list item or a JSON member that is only this placeholder is left out.
 */
export type Template = string;

/** A JSON value whose strings are templates. A string that is only a placeholder becomes the value itself, such as a list or a number. */
export type JsonTemplate =
  | string
  | number
  | boolean
  | null
  | readonly JsonTemplate[]
  | { readonly [name: string]: JsonTemplate };

/** How a call shows who makes it: with the token (`{token}`), or as the admin (`{admin.NAME}`). */
export type Authentication =
  /** `Authorization: Bearer`, RFC 6750. */
  | { readonly scheme: 'bearer'; readonly token: Template }
  /** `Authorization: Basic`, RFC 7617. */
  | { readonly scheme: 'basic'; readonly username: Template; readonly password: Template }
  /** In a header of this name. */
  | { readonly scheme: 'header'; readonly name: string; readonly value: Template }
  /** In the URL, which gets into logs. Only for APIs that offer nothing else. */
  | { readonly scheme: 'query'; readonly name: string; readonly value: Template }
  /** `Authorization: Bearer` with a JWT of ten minutes at most, signed RS256 by a key in PEM. */
  | { readonly scheme: 'jwt'; readonly issuer: Template; readonly privateKey: Template }
  /**
   * `Authorization: Bearer` with an access token. Each call asks the token endpoint for one (RFC 6749, section 4.4). If the token
   * endpoint refuses the client, the call counts as refused.
   */
  | {
      readonly scheme: 'client-credentials';
      /** Https, or this machine. The host must have no placeholder. */
      readonly tokenUrl: Template;
      /** The client's id. */
      readonly clientId: Template;
      /** The client's secret. */
      readonly clientSecret: Template;
      /** The `scope` to ask for, RFC 6749, section 3.3. */
      readonly scope?: Template;
      /**
       * How the client shows who it is (RFC 7591, section 2). Default: as the server of `issuer` publishes. Without `issuer`, the
       * form and then Basic authentication are tried, and the one that works is remembered.
       */
      readonly authentication?: ClientAuthenticationMethod;
      /** The issuer whose metadata say how clients authenticate (RFC 8414). The host must have no placeholder. */
      readonly issuer?: Template;
    };

/** The methods of RFC 7591, section 2, that need only the client's id and secret. */
export type ClientAuthenticationMethod = 'client_secret_basic' | 'client_secret_post';

/** A condition on an answer. All members must hold. */
export interface Condition {
  /** The answer's status: this, or one of these. */
  readonly status?: number | readonly number[];
  /** Where to look in the answer's JSON. Not together with `header`. */
  readonly at?: Pointer;
  /** The header of the answer to look at. */
  readonly header?: string;
  /** The value there: this one, or one of these. A header's value is a text. */
  readonly is?: Scalar | readonly Scalar[];
  /** A text within the value there. Case does not matter. */
  readonly contains?: string;
  /** Whether there must be a value there. null is none. Default, without `is` and `contains`: true. */
  readonly exists?: boolean;
}

/** A JSON value that is no list and no object. */
export type Scalar = string | number | boolean | null;

/** Statuses, or conditions. One of them is enough. Conditions on the body or a header are tried before statuses. */
export type Outcome = readonly (number | Condition)[];

/** A place in an answer: in its JSON, in a header, or in a cookie that it sets. */
export type Place =
  | Pointer
  | { readonly at: Pointer }
  | { readonly header: string }
  | { readonly cookie: string };

/** The place in an answer that says when a token expires. A text is stored as it is. For a number, `as` says its unit. */
export type ExpiryPlace =
  | Place
  | {
      readonly at: Pointer;
      /** Seconds or milliseconds since 1970, or seconds from now. ISO 8601 is stored. */
      readonly as: 'seconds' | 'milliseconds' | 'seconds-from-now';
    };

/** A request, and the meaning of its answers. */
export interface Request {
  /** The HTTP method. */
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path below the base URL. Begins with a slash, and has no query. */
  readonly path: Template;
  /** Parameters of the URL. URLs get into logs: put no token here. */
  readonly query?: Readonly<Record<string, Template>>;
  /** Further headers. */
  readonly headers?: Readonly<Record<string, Template>>;
  /** The body as JSON. Not together with `form`. */
  readonly json?: JsonTemplate;
  /** The body as `application/x-www-form-urlencoded`. */
  readonly form?: Readonly<Record<string, Template>>;
  /** Who makes the call. */
  readonly auth: Authentication;
  /**
   * Which answers mean success. Default: all statuses from 200 to 299. An answer of 200 to 299 that only its status makes a
   * success is an error if it is a web page, or if its body says that it failed (`"ok": false`, `"success": false`, `"error": ...`).
   */
  readonly accepted?: Outcome;
  /** Which answers mean that the caller is refused. Default: 401, 403. */
  readonly refused?: Outcome;
  /** Which answers mean that the thing that the call is about does not exist. Default: 404, 410. */
  readonly gone?: Outcome;
  /** Which answers mean that the call should be made later. Default: 429. 503 always does. */
  readonly throttled?: Outcome;
  /** Time for the answer in seconds, 1 to 900. Default: 10. */
  readonly timeoutSeconds?: number;
}

/** A call that has to come before another one, such as a login for a session, or the deactivation of a token before its deletion. */
export interface PreparingCall extends Request {
  /** Values to keep from its answer, for `{kept.NAME}` in later calls. A list or an object is kept unchanged. */
  readonly keep?: Readonly<Record<string, Place>>;
  /**
   * Where its answer names the thing that the following call will change. The name must be the value of the secret's
   * `accountField`. Otherwise the rotation ends with InvalidSecretField, and nothing is changed.
   */
  readonly account?: Place;
}

/** A call of the API. */
export interface Call extends Request {
  /** Calls to make before this one, each time. If one of them is refused or gone, the whole call is. */
  readonly before?: readonly PreparingCall[];
}

/** Issues a new token. The current one goes on working, unless `overlap` is `none`. */
export interface MintCall extends Call {
  /** Where the answer has the new token. `{password}`: the token is the value that the request has chosen. */
  readonly token: Place | '{password}';
  /** Where the answer has the token's id, which is not secret. */
  readonly id?: Place;
  /** Where the answer says when the token expires. `{expiry.time}` and `{expiry.date}`: the expiry that the request has asked for. */
  readonly expiresAt?: ExpiryPlace | '{expiry.time}' | '{expiry.date}';
  /** Further fields of the secret, and where the answer has them. A value that the answer lacks is stored as null. */
  readonly store?: Readonly<Record<string, Place>>;
}

/** Finds out whether a token is accepted. Changes nothing. */
export interface VerifyCall extends Call {
  /** Where the answer has the id of the token that made the call. */
  readonly id?: Place;
  /** Where the answer says whose token it is: the value of the secret's `accountField`. */
  readonly account?: Place;
}

/** How to get the next page of a list. */
export type NextPage =
  /** The header `Link` with `rel="next"`, RFC 8288. */
  | { readonly by: 'link' }
  /** A parameter counts the pages, from `first` (default: 1). A page without items is the last. */
  | { readonly by: 'page'; readonly parameter: string; readonly first?: number }
  /** The value at this place goes into the parameter. Without a value, the page is the last. */
  | { readonly by: 'cursor'; readonly at: Pointer; readonly parameter: string }
  /** The value at this place is the URL of the next page. Only its query is used. Without a value, the page is the last. */
  | { readonly by: 'url'; readonly at: Pointer };

/** Lists tokens. This finds tokens that were issued and never stored. */
export interface ListCall extends Call {
  /** Where the answer has the list. */
  readonly items: Pointer;
  /** Where an item has the token's id. */
  readonly id: Pointer;
  /** Where an item has the token's label, or a text that contains it. */
  readonly label?: Pointer;
  /**
   * For APIs that keep no label. If the value is true, such as that of `{admin.dedicated?}`, the account has tokens of this secret
   * alone. Then all listed tokens that no version of the secret holds are revoked.
   */
  readonly dedicated?: Template;
  /** How the list goes on. Default: it has one page. */
  readonly next?: NextPage;
}

/** The names of the fields that hold the token. */
export interface TokenFields {
  /** Default: `token`. */
  readonly token?: string;
  /** Default: `tokenId`. */
  readonly id?: string;
  /** Default: `expiresAt`. */
  readonly expiresAt?: string;
}

/** An HTTP API that issues tokens, and its calls. It is in the function's bundle, and never in a secret. See docs/api-token-reference.md. */
export interface ApiDescription {
  /** The rotator is called `api-token/NAME`. Small letters, digits and hyphens. */
  readonly name: string;
  /** Where the vendor documents these calls. */
  readonly source?: string;
  /** Where the API is, for secrets without `host`. Https, or this machine. */
  readonly baseUrl?: string;
  /** Hosts at which this does not work, such as `a.example` or `*.example`, each with the reason. An error shows the reason. */
  readonly notAt?: Readonly<Record<string, string>>;
  /** The field of the secret that says whose token it is. Default: `username`. */
  readonly accountField?: string;
  /** Where the secret holds the token. Default: see {@link TokenFields}. */
  readonly fields?: TokenFields;
  /** How long a new token is to live, for the placeholders `{expiry...}`: days from 1 to 36,500, or where the number stands (`{admin.lifetimeDays|90}`). */
  readonly lifetimeDays?: number | Template;
  /** `none`: `mint` ends the old token. Default: `until-next-rotation`. */
  readonly overlap?: 'none' | 'until-next-rotation';
  /** When the replaced token is revoked. Default: the `revocation` of the function's options, else `on-next-rotation`. */
  readonly revocation?: Revocation;
  /** The call that makes a new token. */
  readonly mint: MintCall;
  /** The call that finds out whether a token is accepted. */
  readonly verify: VerifyCall;
  /** Absent if tokens end by themselves, or if `overlap` is `none`. */
  readonly revoke?: Call;
  /** The call that finds tokens which were made and never stored. */
  readonly list?: ListCall;
  /** Finds out whether the admin is accepted, if the admin secret has no token that `verify` could try. */
  readonly checkAdmin?: Call;
}

/** Changes to a preset, as a JSON merge patch (RFC 7396): null removes a member. */
export interface ApiOverride {
  /** The name of the preset. */
  readonly extends: string;
  /** Default: the preset's name. Then the result replaces the preset. */
  readonly name?: string;
  readonly [member: string]: unknown;
}
