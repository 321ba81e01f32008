import { KeyturnError } from '../errors.ts';
import { invalidOption } from './duration.ts';
import type { Secret, Secrets } from './secrets.ts';
import type { UseOptions } from './use.ts';
import type { SecretValue } from './value.ts';

/** The options of Powertools' `getSecret`. */
export interface GetSecretOptions {
  /** The oldest value that will do, in seconds. Default: the client's `maxAge`. */
  readonly maxAge?: number;
  /** Whether Secrets Manager is read now. Default: false. */
  readonly forceFetch?: boolean;
  /** `json`: the text is parsed. `binary`: the text is Base64, and is decoded. */
  readonly transform?: 'json' | 'binary';
  /** Which version to read. Default: AWSCURRENT. */
  readonly sdkOptions?: {
    /** A version's id. */
    readonly VersionId?: string | undefined;
    /** A staging label. */
    readonly VersionStage?: string | undefined;
  };
}

/** The type that `getSecret` returns: the wanted one, else the transform's. */
export type GetSecretOutput<Wanted, Options> = undefined extends Wanted
  ? Options extends { readonly transform: 'json' }
    ? unknown
    : string
  : Wanted;

/** Powertools' calls, on a cache that bridges rotations. */
export interface Parameters {
  /**
   * Powertools' `getSecret`.
   *
   * @throws as {@link Secret.get}; MalformedSecret for a value that can't be transformed
   * @see https://docs.aws.amazon.com/powertools/typescript/latest/features/parameters/
   */
  getSecret<Wanted = undefined, Options extends GetSecretOptions = GetSecretOptions>(
    name: string,
    options?: Options,
  ): Promise<GetSecretOutput<Wanted, Options>>;
  /** The same call, as a method of Powertools' `SecretsProvider`. */
  get<Wanted = undefined, Options extends GetSecretOptions = GetSecretOptions>(
    name: string,
    options?: Options,
  ): Promise<GetSecretOutput<Wanted, Options>>;
  /** As {@link Secret.use}. Powertools has no such call. */
  use<T>(name: string, open: (value: SecretValue) => T | Promise<T>, options: UseOptions<T>): Promise<T>;
  /** Empties the cache. */
  clearCache(): void;
}

/**
 * Replaces `@aws-lambda-powertools/parameters` for secrets: its calls stay the same. The errors are Keyturn's. A binary
 * secret is an error (SecretIsBinary).
 */
export function createParameters(secrets: Secrets): Parameters {
  // The caller chooses the type of the result.
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
