import { CachedSecret, type CacheSettings } from './cached-secret.ts';
import { count, type Duration, invalidOption, milliseconds } from './duration.ts';
import { Emitter, type SecretEventListener } from './events.ts';
import type { SecretHints } from './reader.ts';
import type { SecretsManagerSender } from './sdk.ts';
import { type SecretSource, secretsManager } from './source.ts';
import { sleep, unlessAborted } from './timing.ts';
import { type UseOptions, use } from './use.ts';
import type { SecretValue } from './value.ts';

/** How secrets are read; everything has a default. */
export interface SecretsOptions {
  /** The SDK's client; made with its own defaults if absent. */
  readonly client?: SecretsManagerSender;
  /** Where secrets are read from, in the place of the SDK's client: the extension, the agent, or one of your own. */
  readonly source?: SecretSource;
  /** From which age on a value is read again; 5 minutes if absent. */
  readonly maxAge?: Duration;
  /** For how long beyond `maxAge` a value is used where Secrets Manager fails; 1 hour if absent. */
  readonly maxStale?: Duration;
  /** Which part of `maxAge` is left to chance, from 0 to 1, so that processes don't read at once; 0.1 if absent. */
  readonly jitter?: number;
  /** For how long `use` looks for another credential after a refusal; 10 seconds if absent. */
  readonly deadline?: Duration;
  /** After which time without an answer a read has failed; 5 seconds if absent. */
  readonly readTimeout?: Duration;
  /** Most reads of one secret in any second; 5 if absent. */
  readonly readsPerSecond?: number;
  /** Most secrets that are kept; the one that was used longest ago goes first. 1000 if absent. */
  readonly maxSecrets?: number;
  /** Whether AWSPENDING is tried after a refusal; true if absent. Where it may not be read, it is tried once. */
  readonly pending?: boolean;
  /** Hears of reads, refusals and what became of them. */
  readonly onEvent?: SecretEventListener;
}

/** What ends a wait. */
export interface WaitOptions {
  readonly signal?: AbortSignal;
}

/** How a value is got. */
export interface GetOptions extends WaitOptions {
  /** The oldest that will do for this caller, where that is younger than the client's `maxAge`. */
  readonly maxAge?: Duration;
}

/** One secret of a {@link Secrets}. */
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
   * AWSCURRENT, from the cache where it is young enough.
   *
   * @throws SecretNotFound, SecretHasNoValue, SecretIsBinary, SecretMarkedForDeletion, AccessDenied, Throttled,
   *   SecretsManagerFailed; the signal's reason
   */
  get({ signal, maxAge }: GetOptions = {}): Promise<SecretValue> {
    const cached = this.#touched();
    if (maxAge !== undefined) return this.#younger(cached, maxAge, signal);
    return (signal?.aborted === true ? undefined : cached.young()) ?? cached.load(signal);
  }

  async #younger(
    cached: CachedSecret,
    maxAge: Duration,
    signal: AbortSignal | undefined,
  ): Promise<SecretValue> {
    const maxAgeMs = Math.min(milliseconds(maxAge, 'maxAge'), cached.settings.maxAgeMs);
    return cached.young(maxAgeMs) ?? cached.load(signal, true);
  }

  /** AWSCURRENT, read now. A failure is thrown, also where an older value could be used. @throws as {@link get} */
  refresh({ signal }: WaitOptions = {}): Promise<SecretValue> {
    return this.#touched().refresh(signal);
  }

  /**
   * Calls `open` with the credential. Where the target refuses it, `open` is called again with the next one: a version
   * that is known already, one that a fresh read finds, AWSPENDING while a rotation is between its change and its move,
   * or whatever short waits bring, until the deadline.
   *
   * @throws what `open` throws, unchanged: at once what is no refusal, and at the deadline a refusal that stays;
   *   as {@link get}; InvalidConfiguration
   */
  use<T>(open: (value: SecretValue) => T | Promise<T>, options: UseOptions<T>): Promise<T> {
    return use(this.#touched(), open, { ...options });
  }

  /** Resolves when no read of it is under way, or after a second. */
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

/** Secrets of an application, by one source. */
export interface Secrets {
  /**
   * One secret; nothing is read yet.
   *
   * @param id name or ARN
   * @param hints which version is read, and how, where that can't be seen in its text
   */
  secret(id: string, hints?: SecretHints): Secret;
  /**
   * Reads many secrets, by BatchGetSecretValue where the source can: 20 with one call.
   *
   * @throws the error of the first that could not be read, after all others are in the cache
   */
  preload(ids: readonly string[], options?: WaitOptions): Promise<void>;
  /** Hears of everything. @returns what ends it */
  on(listener: SecretEventListener): () => void;
  /** Forgets all values. */
  clear(): void;
}

/** Reads secrets, keeps them, and finds the way through rotations. @throws InvalidConfiguration */
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
