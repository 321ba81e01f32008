import { type Embedding, malformed, type Span } from './form.ts';

/** The parts of a URL that a credential can be in. Nothing is decoded yet. */
export interface UrlParts {
  /** All before the colon and the two slashes, in lower case: `jdbc:mysql:loadbalance`, `postgresql+asyncpg`. */
  readonly scheme: string;
  /** User, password and hosts: all between the two slashes and the path. */
  readonly authority: Span;
  /** Undefined if there is no at sign. */
  readonly user: Span | undefined;
  /** Undefined if no colon follows the user. */
  readonly password: Span | undefined;
  /** Host and port. There may be several, with commas between them. */
  readonly hosts: Span;
  /** Without its first slash. */
  readonly path: Span;
  readonly query: readonly QueryPart[];
  /** Where a parameter can be added, and what must go before it. */
  readonly queryEnd: { readonly at: number; readonly separator: '?' | '&' | '' };
}

export interface QueryPart {
  readonly name: Span;
  readonly value: Span;
}

const start = /^\s*([a-z][a-z0-9+._-]*(?::[a-z][a-z0-9+._-]*)*):\/\//i;
const forbidden = /[\t\n\r]/g;

/**
 * Finds the parts of a URL where the URL standard cuts it. The authority ends at the first slash, question mark or number
 * sign. The user information ends at the last at sign in the authority. The URL class does not say where a part stands, and
 * refuses several hosts and an empty one.
 *
 * @throws MalformedSecret
 * @see https://url.spec.whatwg.org/#concept-basic-url-parser
 */
export function scanUrl(text: string, form: 'url' | 'jdbc'): UrlParts {
  const found = start.exec(text);
  if (found === null) throw malformed(form, 0, 'no scheme with two slashes');
  const [{ length: from }, scheme = ''] = found;
  const end = text.trimEnd().length;
  forbidden.lastIndex = from;
  const broken = forbidden.exec(text.slice(0, end))?.index;
  if (broken !== undefined) throw malformed(form, broken, 'a tab or a line break');

  const upTo = (at: number, characters: RegExp): number => {
    const length = text.slice(at, end).search(characters);
    return length < 0 ? end : at + length;
  };
  const authority = { start: from, end: upTo(from, /[/?#]/) };
  const queryStart = upTo(authority.end, /[?#]/);
  const fragment = upTo(queryStart, /#/);
  const at = text.lastIndexOf('@', authority.end - 1);
  const hasUser = at >= from;
  // A reference to a setting may have a default after a colon: ${NAME:-app}
  const [name = ''] = /^(?:\$\{[^}]{0,200}\}|[^:])*/.exec(text.slice(from, Math.max(at, from))) ?? [];
  const colon = hasUser && from + name.length < at ? name.length : -1;
  const afterUser = colon < 0 ? at : from + colon;
  return {
    scheme: scheme.toLowerCase(),
    authority,
    user: hasUser ? { start: from, end: afterUser } : undefined,
    password: hasUser && colon >= 0 ? { start: afterUser + 1, end: at } : undefined,
    hosts: { start: hasUser ? at + 1 : from, end: authority.end },
    path: { start: Math.min(authority.end + 1, queryStart), end: queryStart },
    query: [...queryParts(text, queryStart + 1, fragment)],
    queryEnd: { at: fragment, separator: separatorAt(text, queryStart, fragment) },
  };
}

function separatorAt(text: string, queryStart: number, fragment: number): '?' | '&' | '' {
  if (fragment <= queryStart) return '?';
  return fragment === queryStart + 1 || text[fragment - 1] === '&' ? '' : '&';
}

function* queryParts(text: string, from: number, end: number): Generator<QueryPart> {
  let at = from;
  while (at < end) {
    const ampersand = text.indexOf('&', at);
    const partEnd = ampersand < 0 || ampersand > end ? end : ampersand;
    const equals = text.slice(at, partEnd).indexOf('=');
    const nameEnd = equals < 0 ? partEnd : at + equals;
    if (partEnd > at)
      yield {
        name: { start: at, end: nameEnd },
        value: { start: Math.min(nameEnd + 1, partEnd), end: partEnd },
      };
    at = partEnd + 1;
  }
}

/** The scheme of a URL in lower case, with wrappers and drivers. Undefined for a text that is no URL. */
export function schemeOf(text: string): string | undefined {
  return start.exec(text)?.[1]?.toLowerCase();
}

/**
 * The decoded value of a parameter, with the place of each of its characters in the URL.
 *
 * @param path the name to show to people
 * @throws MalformedSecret as {@link decodePart}
 */
export function embeddedPart(text: string, span: Span, form: 'url' | 'jdbc', path: string): Embedding {
  const decoded = decodePart(text, span, form, true);
  const offsets: number[] = [];
  for (let at = span.start; at < span.end; ) {
    const [encoded = text[at] ?? ''] = /^(?:%[0-9a-f]{2})+/i.exec(text.slice(at, span.end)) ?? [];
    if (encoded.length < 3) {
      offsets.push(at);
      at += 1;
      continue;
    }
    for (const character of decodeURIComponent(encoded)) {
      for (let unit = 0; unit < character.length; unit += 1) offsets.push(at);
      at += 3 * Buffer.byteLength(character);
    }
  }
  offsets.push(span.end);
  return { path, text: decoded, offsets, encode: encodeText };
}

/** Encodes as encodeURIComponent does, and the single quote too, because that ends a string in a shell or in code. */
export function encodeText(value: string): string {
  return encodeURIComponent(value).replaceAll("'", '%27');
}

/** Decodes the text in a span. @throws MalformedSecret for a percent sign that encodes nothing */
export function decodePart(text: string, span: Span, form: 'url' | 'jdbc', inQuery = false): string {
  const raw = text.slice(span.start, span.end);
  try {
    return decodeURIComponent(inQuery ? raw.replaceAll('+', ' ') : raw);
  } catch {
    const wrong = raw.search(/%(?![0-9a-f]{2})/i);
    const index = span.start + Math.max(wrong, raw.indexOf('%'), 0);
    throw malformed(form, index, 'a percent sign is not followed by the code of a character');
  }
}

/** Reads the first `host:port`. The port may be missing. IPv6 addresses are in brackets. @throws MalformedSecret */
export function readHost(
  text: string,
  { start: from, end }: Span,
  form: 'url' | 'jdbc',
): { host: string | undefined; port: string | undefined } {
  const first = text.slice(from, end).split(',')[0] ?? '';
  // Either may be a reference to another setting.
  const found = /^(\[[^\]]*\]|(?:\$\{[^}]{0,200}\}|[^:[\]])*)(?::(\d*|\$\{[^}]{0,200}\}|\$\w+))?$/.exec(
    first,
  );
  if (found === null) {
    const reason = 'host and port are unclear; /, ?, # and : of user and password must be percent-encoded';
    throw malformed(form, from, reason);
  }
  const [, host = '', port] = found;
  const bare = host.replace(/^\[|\]$/g, '');
  const span = { start: from + host.indexOf(bare), end: from + host.indexOf(bare) + bare.length };
  return { host: decodePart(text, span, form) || undefined, port: port || undefined };
}
