import { CachedSecret, type CacheSettings } from './cached-secret.ts';
import { count, type Duration, invalidOption, milliseconds } from './duration.ts';
import { Emitter, type SecretEventListener } from './events.ts';
import type { SecretHints } from './reader.ts';
import type { SecretsManagerSender } from './sdk.ts';
import { secretsManager } from './secrets-manager.ts';
import type { SecretSource } from './source.ts';
import { sleep, unlessAborted } from './timing.ts';
import { type UseOptions, use } from './use.ts';
import type { SecretValue } from './value.ts';

/** How secrets are read. */
export interface SecretsOptions {
  /** The SDK's client. Default: one with the SDK's own defaults. */
  readonly client?: SecretsManagerSender;
  /** Where secrets are read from, instead of the SDK's client: the extension, the agent, or your own source. */
  readonly source?: SecretSource;
  /** The age from which a value is read again. Default: 5 minutes. */
  readonly maxAge?: Duration;
  /** For how long beyond `maxAge` a value is used while Secrets Manager fails. Default: 1 hour. */
  readonly maxStale?: Duration;
  /** The random part of `maxAge`, from 0 to 1, so that processes don't all read at once. Default: 0.1. */
  readonly jitter?: number;
  /** For how long `use` looks for another credential after a refusal. Default: 10 seconds. */
  readonly deadline?: Duration;
  /** After how long a read without an answer fails. Default: 5 seconds. */
  readonly readTimeout?: Duration;
  /** How many reads of one secret are made in any second at most. Default: 5. */
  readonly readsPerSecond?: number;
  /** How many secrets are kept at most. The least recently used one is dropped first. Default: 1000. */
  readonly maxSecrets?: number;
  /** Whether AWSPENDING is tried after a refusal. If reading it is denied, it is not read again. Default: true. */
  readonly pending?: boolean;
  /** Gets the events of reads and refusals. */
  readonly onEvent?: SecretEventListener;
}

/** How a call waits. */
export interface WaitOptions {
  /** Ends the wait with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** How a value is read. */
export interface GetOptions extends WaitOptions {
  /** The oldest value that will do for this caller. It can only shorten the client's `maxAge`. */
  readonly maxAge?: Duration;
}

/** A secret of {@link Secrets}. */
export class Secret {
  /** Its name or ARN, as given. */
  readonly id: string;
  readonly #find: () => CachedSecret;
  #cached: CachedSecret | undefined;

  constructor(id: string, find: () => CachedSecret) {
    this.id = id;
    this.#find = find;
  }

  /**
   * Gets AWSCURRENT, from the cache if it is young enough.
   *
   * @throws SecretNotFound, SecretHasNoValue, SecretIsBinary, SecretMarkedForDeletion, AccessDenied, Throttled,
   *   SecretsManagerFailed; the signal's reason
   */
  get({ signal, maxAge }: GetOptions = {}): Promise<SecretValue> {
    const cached = this.#touched();
    if (maxAge !== undefined) return this.#younger(cached, maxAge, signal);
    return (signal?.aborted === true ? undefined : cached.freshValue()) ?? cached.load(signal);
  }

  async #younger(
    cached: CachedSecret,
    maxAge: Duration,
    signal: AbortSignal | undefined,
  ): Promise<SecretValue> {
    const maxAgeMs = Math.min(milliseconds(maxAge, 'maxAge'), cached.settings.maxAgeMs);
    return cached.freshValue(maxAgeMs) ?? cached.load(signal, true);
  }

  /** Reads AWSCURRENT now. A failure is thrown even if an older value could be used. @throws as {@link get} */
  refresh({ signal }: WaitOptions = {}): Promise<SecretValue> {
    return this.#touched().refresh(signal);
  }

  /**
   * Calls `open` with the credential. If the target refuses it, `open` is called again with another one until the deadline:
   * a version that is known already, a fresh AWSCURRENT, or AWSPENDING while a rotation has changed the credential and not
   * yet moved AWSCURRENT.
   *
   * @returns what `open` returns
   * @throws what `open` throws, unchanged: any error that is no refusal, at once; a refusal, at the deadline. Also the
   * errors of {@link get}, and InvalidConfiguration for wrong options
   */
  use<T>(open: (value: SecretValue) => T | Promise<T>, options: UseOptions<T>): Promise<T> {
    return use(this.#touched(), open, { ...options });
  }

  /** Resolves when no read of this secret is under way, at the latest after a second. */
  async settled(): Promise<void> {
    const { reading } = this.#touched();
    if (reading !== undefined) await sleep(1_000, { or: reading });
  }

  #touched(): CachedSecret {
    if (this.#cached === undefined || this.#cached.isEvicted) this.#cached = this.#find();
    uses += 1;
    this.#cached.lastUse = uses;
    return this.#cached;
  }
}

let uses = 0;

/** An application's secrets, from one source. */
export interface Secrets {
  /**
   * Gives access to one secret. Nothing is read yet.
   *
   * @param id name or ARN
   * @param hints which version to read, and its form if that can't be recognised
   */
  secret(id: string, hints?: SecretHints): Secret;
  /**
   * Reads many secrets into the cache: 20 in one call (BatchGetSecretValue) if the source can.
   *
   * @throws the error of the first that could not be read, after all others are in the cache
   */
  preload(ids: readonly string[], options?: WaitOptions): Promise<void>;
  /** Adds a listener for all events. @returns a function that removes it */
  on(listener: SecretEventListener): () => void;
  /** Empties the cache. */
  clear(): void;
}

/** Makes a client that reads secrets, caches them, and bridges rotations. @throws InvalidConfiguration */
export function createSecrets(options: SecretsOptions = {}): Secrets {
  const { client, source = secretsManager(client), maxSecrets = 1_000, jitter = 0.1, onEvent } = options;
  if (!(jitter >= 0 && jitter <= 1)) throw invalidOption('jitter', 'is not from 0 to 1', 'Correct it.');
  const capacity = count(maxSecrets, 'maxSecrets');
  const emitter = new Emitter();
  if (onEvent !== undefined) emitter.on(onEvent);
  const settings: CacheSettings = {
    source,
    emitter,
    jitter,
    maxAgeMs: milliseconds(options.maxAge ?? '5m', 'maxAge'),
    maxStaleMs: milliseconds(options.maxStale ?? '1h', 'maxStale'),
    deadlineMs: milliseconds(options.deadline ?? '10s', 'deadline'),
    readTimeoutMs: milliseconds(options.readTimeout ?? '5s', 'readTimeout'),
    readsPerSecond: count(options.readsPerSecond ?? 5, 'readsPerSecond'),
    pending: options.pending ?? true,
  };
  const kept = new Map<string, CachedSecret>();

  const find = (id: string, hints: SecretHints = {}): CachedSecret => {
    const { form, fields, stage, versionId } = hints;
    const key = JSON.stringify([id, form, fields, stage, versionId]);
    const known = kept.get(key);
    if (known !== undefined) return known;
    if (kept.size >= capacity) evictOldest(kept);
    const made = new CachedSecret(id, hints, settings);
    kept.set(key, made);
    return made;
  };

  return {
    secret: (id, hints) => {
      if (typeof id !== 'string' || id === '') {
        throw invalidOption('id', 'names no secret', 'Give its name or ARN.');
      }
      return new Secret(id, () => find(id, hints));
    },
    preload: async (ids, { signal } = {}) => {
      const secrets = [...new Set(ids)].map((id) => find(id));
      const { preload } = await import('./preload.ts');
      await unlessAborted(preload(secrets, settings), signal);
    },
    on: (listener) => emitter.on(listener),
    clear: () => {
      for (const secret of kept.values()) secret.isEvicted = true;
      kept.clear();
    },
  };
}

function evictOldest(kept: Map<string, CachedSecret>): void {
  let oldest: [string, CachedSecret] | undefined;
  for (const entry of kept) if (oldest === undefined || entry[1].lastUse < oldest[1].lastUse) oldest = entry;
  if (oldest === undefined) return;
  oldest[1].isEvicted = true;
  kept.delete(oldest[0]);
}
