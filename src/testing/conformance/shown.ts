/** Every string in a value, also where errors keep theirs: in properties that are not enumerable. */
export function* stringsIn(value: unknown, seen = new Set<unknown>()): Generator<string> {
  if (typeof value === 'string') yield value;
  if (typeof value !== 'object' || value === null || seen.has(value)) return;
  seen.add(value);
  for (const key of Reflect.ownKeys(value)) {
    if (typeof key === 'string') yield key;
    yield* stringsIn(Reflect.get(value, key), seen);
  }
}

/** Fewer characters of base64 than these can be there by chance. */
const shortestBase64 = 6;

/**
 * The characters of a text's base64 that depend on the text alone: it may be the end of a longer one, as a password is
 * of a user and a password, and then begins at any of three places.
 */
function base64Of(text: string): string[] {
  const bytes = Buffer.from(text);
  return [0, 1, 2].flatMap((before) => {
    const whole = Buffer.concat([Buffer.alloc(before), bytes]);
    const encoded = whole.toString('base64url');
    const own = encoded.slice(Math.ceil((before * 4) / 3), Math.floor((whole.length * 4) / 3));
    return own.length < shortestBase64 ? [] : [own, own.replaceAll('-', '+').replaceAll('_', '/')];
  });
}

function encodingsOf(secret: string): string[] {
  const url = secret.isWellFormed() ? encodeURIComponent(secret) : secret;
  return [secret, JSON.stringify(secret).slice(1, -1), url, url.replaceAll('%20', '+'), ...base64Of(secret)];
}

/** Whether a secret stands in a text, plain or encoded for JSON, a URL or base64. */
export function shows(text: string, secret: string): boolean {
  return encodingsOf(secret).some((encoded) => text.includes(encoded));
}
