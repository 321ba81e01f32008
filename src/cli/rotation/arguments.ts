import { UsageError } from '../command.ts';

/** The options of every command that calls AWS: where the secrets are, and how the outcome is printed. */
export interface PlaceOptions {
  /** Another address of Secrets Manager and Lambda. */
  readonly endpoint: string | undefined;
  readonly region: string | undefined;
  readonly json: boolean;
}

/** The arguments of every command about one secret. */
export interface SecretArguments extends PlaceOptions {
  /** Name or ARN. */
  readonly secret: string;
}

/** The options of {@link PlaceOptions}, for node:util's parseArgs. */
export const placeOptions = {
  endpoint: { type: 'string' },
  region: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

/** The option of commands that wait for a rotation. */
export const timeoutOption = { timeout: { type: 'string', default: '120' } } as const;

/** The options of {@link SecretArguments}, for node:util's parseArgs. */
export const secretOptions = placeOptions;

const placeLines = `  --region REGION   Region (default: that of the ARN, AWS_REGION, or the profile's)
  --endpoint URL    Another Secrets Manager and Lambda, such as that of keyturn local (or
                    AWS_ENDPOINT_URL_SECRETS_MANAGER and AWS_ENDPOINT_URL_LAMBDA)
  --json            Print one JSON document and nothing else
  --help            Show this text

Credentials are found as the AWS CLI finds them; a Secrets Manager on this machine needs none.
`;

export const placeOptionsHelp = `${placeLines}Exit codes: 0 succeeded, 1 failed, 2 wrong arguments.
`;

export const secretOptionsHelp = placeOptionsHelp;

/** The options' help of commands that find out the state of secrets: they have an exit code more. */
export const findingOptionsHelp = `${placeLines}Exit codes: 0 healthy, 1 failed, 2 wrong arguments, 3 a secret needs attention: stuck, overdue, or its preflight failed.
`;

/** The options that choose some of all secrets. */
export const choiceOptions = {
  tag: { type: 'string' as const, multiple: true as const, default: [] as string[] },
};

/** A tag that a secret must have. If `value` is undefined, any value will do. */
export interface WantedTag {
  readonly key: string;
  readonly value: string | undefined;
}

/** @throws UsageError */
export function readTag(text: string): WantedTag {
  const equals = text.indexOf('=');
  const key = equals < 0 ? text : text.slice(0, equals);
  if (key === '') throw new UsageError(`--tag must be KEY or KEY=VALUE, not '${text}'`);
  return { key, value: equals < 0 ? undefined : text.slice(equals + 1) };
}

/** Which secrets are meant: one, or those that are chosen among all. */
export type Chosen =
  | { readonly secret: string }
  | { readonly prefix: string | undefined; readonly tags: readonly WantedTag[] };

/** @throws UsageError */
export function readChosen(
  { all, tag }: { readonly all: boolean; readonly tag: readonly string[] },
  [first, ...more]: readonly string[],
): Chosen {
  if (more.length > 0) throw new UsageError(`one secret at a time, without '${more[0]}'`);
  if (all) return { prefix: first, tags: tag.map(readTag) };
  if (tag.length > 0) throw new UsageError('--tag chooses among all secrets: it goes with --all');
  if (first === undefined || first === '') throw new UsageError('name the secret, by its name or its ARN');
  return { secret: first };
}

interface ParsedValues {
  readonly endpoint?: string | undefined;
  readonly region?: string | undefined;
  readonly json: boolean;
}

/** @throws UsageError */
export function readSecretArguments(values: ParsedValues, positionals: readonly string[]): SecretArguments {
  const [secret, ...more] = positionals;
  if (secret === undefined || secret === '') throw new UsageError('name the secret, by its name or its ARN');
  if (more.length > 0) throw new UsageError(`one secret at a time, without '${more[0]}'`);
  return { secret, ...readPlace(values) };
}

/** @throws UsageError */
export function readPlace({ endpoint, region, json }: ParsedValues): PlaceOptions {
  if (endpoint !== undefined && !(/^https?:\/\//.test(endpoint) && URL.canParse(endpoint))) {
    throw new UsageError(`--endpoint must be an http or https URL, not '${endpoint}'`);
  }
  return { endpoint, region, json };
}

/** @returns milliseconds @throws UsageError */
export function readTimeout(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) > 0) return Number(text) * 1000;
  throw new UsageError(`--timeout must be a number of seconds, such as 120, not '${text}'`);
}
