import { UsageError } from '../command.ts';

/** Where secrets are, and how the outcome is printed: what every command takes that calls AWS. */
export interface PlaceOptions {
  /** Another address of Secrets Manager and Lambda. */
  readonly endpoint: string | undefined;
  readonly region: string | undefined;
  readonly json: boolean;
}

/** What every command about one secret takes. */
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

export const placeOptionsHelp = `  --region REGION   Region (default: that of the ARN, AWS_REGION, or the profile's)
  --endpoint URL    Another Secrets Manager and Lambda, such as that of keyturn local (or AWS_ENDPOINT_URL)
  --json            Print one JSON document and nothing else
  --help            Show this text

Credentials are found as the AWS CLI finds them; a Secrets Manager on this machine needs none.
Exit codes: 0 succeeded, 1 failed, 2 wrong arguments.
`;

export const secretOptionsHelp = placeOptionsHelp;

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
