/** CI systems that can be told what to mask in their logs. */
export type MaskingSystem = 'github' | 'azure';

/** Shorter lines (in characters) are words and brackets. Masking them would make a log unreadable and reveal them. */
const shortestLine = 4;

/** A shorter base64 text may occur by chance. */
const shortestBase64 = 6;

/**
 * A text as base64, also as a part of a longer text, such as the password in HTTP's Basic authentication. There it begins
 * at any of three offsets, and only the characters that depend on the text alone are returned.
 */
function base64Of(text: string): string[] {
  const bytes = Buffer.from(text);
  const parts = [0, 1, 2].map((before) => {
    const whole = Buffer.concat([Buffer.alloc(before), bytes]);
    const encoded = whole.toString('base64url');
    return encoded.slice(Math.ceil((before * 4) / 3), Math.floor((whole.length * 4) / 3));
  });
  const long = parts.filter(({ length }) => length >= shortestBase64);
  const standard = long.map((part) => part.replaceAll('-', '+').replaceAll('_', '/'));
  return [bytes.toString('base64'), ...long, ...standard];
}

/** A value in the encodings that are logged most often. A CI system masks only the exact texts that it is given. */
function encodingsOf(value: string): string[] {
  const json = JSON.stringify(value).slice(1, -1);
  const escaped = (one: string): string => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`;
  const go = json.replace(/[<>&]/g, escaped);
  const dotNet = json
    .replaceAll('\\"', '"')
    .replace(/["<>&'+`]/g, (one) => escaped(one).toUpperCase().replace('U', 'u'));
  // A lone surrogate can't be URL-encoded, and so can't stand in a URL either.
  const url = value.isWellFormed() ? encodeURIComponent(value) : value;
  const form = new URLSearchParams({ '': value }).toString().slice(1);
  const small = [url, form].map((text) => text.replace(/%../g, (one) => one.toLowerCase()));
  const sql = value.replaceAll("'", "''");
  const shell = value.replaceAll("'", "'\\''");
  return [
    value,
    json,
    go,
    dotNet,
    url,
    url.replaceAll('%20', '+'),
    form,
    ...small,
    sql,
    shell,
    ...base64Of(value),
  ];
}

/** The texts to mask: each line of each value, since logs are masked by line; plain, as JSON, in URLs and as base64. */
export function textsToMask(values: Iterable<string>): string[] {
  const texts = new Set<string>();
  for (const value of values) {
    const lines = value.split(/[\r\n]+/);
    for (const text of [value, ...lines]
      .flatMap((part) => encodingsOf(part))
      .flatMap((part) => part.split(/[\r\n]+/)))
      if (text.trim().length >= shortestLine) texts.add(text);
  }
  return [...texts];
}

/**
 * The log line that makes a CI system mask a text. Nothing in the text can end the line or begin another command.
 *
 * @see https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#masking-a-value-in-a-log
 * @see https://learn.microsoft.com/en-us/azure/devops/pipelines/scripts/logging-commands#setsecret-register-a-value-as-a-secret
 */
export function maskCommand(system: MaskingSystem, text: string): string {
  const percent = system === 'github' ? '%25' : '%AZP25';
  const data = text.replaceAll('%', percent).replaceAll('\r', '%0D').replaceAll('\n', '%0A');
  return system === 'github' ? `::add-mask::${data}` : `##vso[task.setsecret]${data}`;
}
