import { KeyturnError } from '../errors.ts';
import { invalidOption } from './duration.ts';
import type { Secret, Secrets } from './secrets.ts';
import type { UseOptions } from './use.ts';
import type { SecretValue } from './value.ts';

/** The options of Powertools' `getSecret`. */
export interface GetSecretOptions {
  /** The oldest value that will do, in seconds; the client's `maxAge` if absent. */
  readonly maxAge?: number;
  /** Reads Secrets Manager now. */
  readonly forceFetch?: boolean;
  readonly transform?: 'json' | 'binary';
  readonly sdkOptions?: {
    readonly VersionId?: string | undefined;
    readonly VersionStage?: string | undefined;
  };
}

/** What `getSecret` gives: the type that is asked for, else what the transform makes. */
export type GetSecretOutput<Wanted, Options> = undefined extends Wanted
  ? Options extends { readonly transform: 'json' }
    ? unknown
    : string
  : Wanted;

/** Powertools' calls, on the cache that finds its way through rotations. */
export interface Parameters {
  /**
   * @throws as {@link Secret.get}; MalformedSecret for a value that can't be transformed
   * @see https://docs.aws.amazon.com/powertools/typescript/latest/features/parameters/
   */
  getSecret<Wanted = undefined, Options extends GetSecretOptions = GetSecretOptions>(
    name: string,
    options?: Options,
  ): Promise<GetSecretOutput<Wanted, Options>>;
  /** The same, as `SecretsProvider` has it. */
  get<Wanted = undefined, Options extends GetSecretOptions = GetSecretOptions>(
    name: string,
    options?: Options,
  ): Promise<GetSecretOutput<Wanted, Options>>;
  /** As {@link Secret.use}: what Powertools has no call for. */
  use<T>(name: string, open: (value: SecretValue) => T | Promise<T>, options: UseOptions<T>): Promise<T>;
  clearCache(): void;
}

/**
 * A provider for those who read secrets with `@aws-lambda-powertools/parameters`: their calls stay as they are. Errors
 * are Keyturn's, and a binary secret is one.
 */
export function createParameters(secrets: Secrets): Parameters {
  // One type, or another: it is the caller who says what the text holds.
  function getSecret<Wanted = undefined, Options extends GetSecretOptions = GetSecretOptions>(
    name: string,
    options?: Options,
  ): Promise<GetSecretOutput<Wanted, Options>>;
  async function getSecret(name: string, options: GetSecretOptions = {}): Promise<unknown> {
    const { maxAge, forceFetch = false, transform, sdkOptions = {} } = options;
    const { VersionId: versionId, VersionStage: stage } = sdkOptions;
    const secret = secrets.secret(name, { ...(versionId && { versionId }), ...(stage && { stage }) });
    return transformed(await read(secret, maxAge, forceFetch), transform);
  }
  return {
    getSecret,
    get: getSecret,
    use: (name, open, options) => secrets.secret(name).use(open, options),
    clearCache: () => secrets.clear(),
  };
}

function read(secret: Secret, maxAge: number | undefined, forceFetch: boolean): Promise<SecretValue> {
  if (maxAge !== undefined && !(maxAge >= 0)) throw invalidOption('maxAge', 'is below zero', 'Correct it.');
  // Powertools keeps nothing for zero seconds.
  if (forceFetch || maxAge === 0) return secret.refresh();
  return maxAge === undefined ? secret.get() : secret.get({ maxAge: maxAge * 1_000 });
}

function transformed({ secretId, text }: SecretValue, transform: GetSecretOptions['transform']): unknown {
  if (transform === undefined) return text;
  if (transform === 'binary') return new TextDecoder().decode(Buffer.from(text, 'base64'));
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own error would quote the value.
    throw new KeyturnError(
      'MalformedSecret',
      `The value of ${secretId} is no JSON.`,
      'Leave the transform out.',
    );
  }
}
