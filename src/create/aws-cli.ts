import { shellWord } from '../shell-word.ts';

/** An option of the AWS CLI, the member of the API's input that it sets, and its value. If that is undefined, it is left out. */
export type AwsArgument = readonly [
  option: string,
  member: string,
  value: string | boolean | object | undefined,
];

/**
 * A command of the AWS CLI for a POSIX shell. A text that an option can't carry goes into `--cli-input-json`.
 *
 * @param start the operation, such as `create-secret`
 */
export function awsCommand(start: string, given: readonly AwsArgument[]): string {
  const options: string[] = [];
  const input: Record<string, string> = {};
  for (const [option, member, value] of given) {
    if (value === undefined) continue;
    if (typeof value === 'string' && !fitsOption(value)) input[member] = value;
    else options.push(awsOption(option, value));
  }
  if (Object.keys(input).length > 0) options.push(`--cli-input-json ${shellWord(escapedJson(input))}`);
  return [`aws secretsmanager ${start}`, ...options].join(' \\\n  ');
}

/**
 * Whether the AWS CLI takes a text as it is when it is the value of an option. It replaces `file://...` by the content of
 * the file, and its version 1 loads `http://...`. A terminal takes control characters for keys.
 *
 * @see https://docs.aws.amazon.com/cli/latest/userguide/cli-usage-parameters-file.html
 */
function fitsOption(text: string): boolean {
  return !/^(?:file|fileb|https?):\/\//.test(text) && !/[^\P{Cc}\n]/u.test(text);
}

/** One option of the AWS CLI, for a POSIX shell. */
export function awsOption(option: string, value: string | boolean | object): string {
  if (typeof value === 'boolean') return value ? `--${option}` : `--no-${option}`;
  if (typeof value === 'object') return `--${option} ${shellWord(escapedJson(value))}`;
  // A hyphen would begin the next option.
  return `--${option}${value.startsWith('-') ? '=' : ' '}${shellWord(value)}`;
}

/** JSON in which the control characters from U+007F to U+009F are escaped too. JSON.stringify escapes only those below U+0020. */
export function escapedJson(value: object, indent = 0): string {
  return JSON.stringify(value, undefined, indent).replaceAll(
    /[\u007f-\u009f]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
