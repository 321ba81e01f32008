import type { KeyturnError } from '../errors.ts';
import type { Emitter } from './events.ts';
import type { SecretHints } from './reader.ts';
import type { Refusals } from './refusals.ts';
import type { ReadAnswer, SecretSource } from './source.ts';
import { elapsedSince, type Moment, now, RateLimit, unlessAborted, within } from './timing.ts';
import { SecretValue } from './value.ts';

/** How secrets are cached, as `SecretsOptions` says; times in ms. */
export interface CacheSettings {
  readonly source: SecretSource;
  readonly emitter: Emitter;
  readonly maxAgeMs: number;
  readonly maxStaleMs: number;
  readonly jitter: number;
  readonly readTimeoutMs: number;
  readonly readsPerSecond: number;
  readonly deadlineMs: number;
  readonly pending: boolean;
}

/** How long to wait after a failed background read. */
const shortestPauseMs = 500;
const longestPauseMs = 30_000;

/**
 * A secret in the cache, and its reads.
 *
 * - Up to `maxAge`, less a random part, the value is handed out without a read.
 * - Up to twice that age, it is handed out while a background read runs.
 * - After that, callers wait for the read.
 * - If reads fail, the value is used until `maxAge` plus `maxStale`.
 */
export class CachedSecret {
  readonly id: string;
  readonly settings: CacheSettings;
  /** Undefined until the first refusal. */
  refusals: Refusals | undefined;
  /** The label of the value that is handed out. */
  readonly stage: string;
  /** The number of its last use, to find the least recently used secret. */
  lastUse = 0;
  /** Whether it was removed from the cache. Its holder must then look the secret up again. */
  isEvicted = false;

  readonly #hints: SecretHints;
  readonly #limit: RateLimit;
  #value: SecretValue | undefined;
  /** The same as a promise, so that a cached read makes none. */
  #answer: Promise<SecretValue> | undefined;
  #checkedAt: Moment = now();
  #freshForMs = 0;
  #failure: { readonly isAnswer: boolean; readonly count: number; readonly retryAt: number } | undefined;
  #reading: { readonly fresh: boolean; readonly promise: Promise<SecretValue> } | undefined;
  /** Reads are numbered as they are sent. An answer is dropped if a later read has answered already. */
  #sent = 0;
  #adopted = 0;

  constructor(id: string, hints: SecretHints, settings: CacheSettings) {
    this.id = id;
    this.settings = settings;
    this.#hints = hints;
    this.stage = hints.stage ?? 'AWSCURRENT';
    this.#limit = new RateLimit(settings.readsPerSecond);
  }

  /** Loads the code for refusals at the first one. */
  async loadRefusals(): Promise<Refusals> {
    const { Refusals } = await import('./refusals.ts');
    this.refusals ??= new Refusals(this);
    return this.refusals;
  }

  /** The cached value, however old. */
  get value(): SecretValue | undefined {
    return this.#value;
  }

  /** The read that is under way. */
  get reading(): Promise<unknown> | undefined {
    return this.#reading?.promise;
  }

  /** Milliseconds until the limit allows another read; 0: now. */
  get readDelayMs(): number {
    return this.#limit.delayMs;
  }

  /** The cached value, if it is young enough to be handed out without a read. */
  freshValue(maxAgeMs: number = this.#freshForMs): Promise<SecretValue> | undefined {
    return this.#answer !== undefined && elapsedSince(this.#checkedAt) < maxAgeMs ? this.#answer : undefined;
  }

  /**
   * Gets the value, with a read if one is due.
   *
   * @param mustRead whether an old value is handed out only after a failed read
   * @throws what a read throws
   */
  async load(signal?: AbortSignal, mustRead = false): Promise<SecretValue> {
    signal?.throwIfAborted();
    if (!mustRead && this.#value !== undefined && this.#isUsable()) {
      this.#readInBackground();
      return this.#value;
    }
    try {
      return await unlessAborted(this.read(), signal);
    } catch (error) {
      signal?.throwIfAborted();
      if (this.#value !== undefined && this.#isUsable()) return this.#value;
      throw error;
    }
  }

  /** Makes a read that begins after this call. @throws what a read throws */
  async refresh(signal?: AbortSignal): Promise<SecretValue> {
    const earlier = this.#reading?.promise.catch(() => undefined);
    if (earlier !== undefined) await unlessAborted(earlier, signal);
    return unlessAborted(this.read(true), signal);
  }

  #usableForMs(): number {
    const age = elapsedSince(this.#checkedAt);
    const { maxAgeMs, maxStaleMs } = this.settings;
    if (this.#failure === undefined) return 2 * maxAgeMs - age;
    return this.#failure.isAnswer ? this.#freshForMs - age : maxAgeMs + maxStaleMs - age;
  }

  #isUsable(): boolean {
    return this.#usableForMs() > 0;
  }

  #readInBackground(): void {
    const retryAt = this.#failure?.retryAt ?? 0;
    if (this.#reading !== undefined || performance.now() < retryAt || this.readDelayMs > 0) return;
    // A failed read has emitted an event.
    this.read().catch(() => undefined);
  }

  /**
   * Reads AWSCURRENT. Callers share a read that is under way.
   *
   * @param fresh whether the source must bypass its own cache
   * @param refused the version that a target has refused
   */
  read(fresh = false, refused?: string): Promise<SecretValue> {
    const underWay = this.#reading;
    if (underWay !== undefined && (underWay.fresh || !fresh || this.settings.source.caches !== true)) {
      return underWay.promise;
    }
    const promise = this.#read(fresh, refused).finally(() => {
      if (this.#reading?.promise === promise) this.#reading = undefined;
    });
    this.#reading = { fresh, promise };
    return promise;
  }

  async #read(fresh: boolean, refused: string | undefined): Promise<SecretValue> {
    await this.#limit.wait();
    const [order, startedAt] = [this.begin(), now()];
    const value = await this.#ask(this.stage, fresh, refused);
    this.adopt(value, order, startedAt);
    return this.#value ?? value;
  }

  /** Reads AWSPENDING. It is not cached. @throws what a read throws */
  async readPending(refused: string): Promise<SecretValue> {
    await this.#limit.wait();
    return this.#ask('AWSPENDING', true, refused);
  }

  async #ask(stage: string, fresh: boolean, refused: string | undefined): Promise<SecretValue> {
    const { source, readTimeoutMs, emitter } = this.settings;
    const { id: secretId } = this;
    const startedAt = performance.now();
    try {
      const answer = await within(
        readTimeoutMs,
        (signal) =>
          source.read({ secretId, stage, versionId: this.#hints.versionId, fresh, refused, signal }),
        () => new Error(`no answer within ${readTimeoutMs} ms`),
      );
      const value = await this.valueOf(answer, stage);
      const { versionId } = value;
      emitter.emit({ type: 'read', secretId, versionId, stage, durationMs: performance.now() - startedAt });
      return value;
    } catch (error) {
      throw await this.failed(error, stage, performance.now() - startedAt);
    }
  }

  /** Makes the value of an answer. The code that reads documents is loaded with the first. */
  async valueOf({ arn, versionId, text }: ReadAnswer, stage: string): Promise<SecretValue> {
    const { readerOf } = await import('./reader.ts');
    return new SecretValue(
      { secretId: this.id, arn, versionId, stage },
      text,
      readerOf(this.id, this.#hints),
    );
  }

  /** Records that a read failed, and emits the event. @returns the typed error of what the source has thrown */
  async failed(thrown: unknown, stage: string, durationMs: number): Promise<KeyturnError> {
    const { explainReadError, isAnswerAboutSecret } = await import('./read-errors.ts');
    const { id: secretId } = this;
    const error = explainReadError(thrown, secretId);
    if (stage === this.stage) {
      const failures = (this.#failure?.count ?? 0) + 1;
      const pauseMs = Math.min(longestPauseMs, shortestPauseMs * 2 ** failures) * (0.5 + Math.random() / 2);
      this.#failure = {
        isAnswer: isAnswerAboutSecret(error),
        count: failures,
        retryAt: performance.now() + pauseMs,
      };
    }
    const staleForMs = this.#value === undefined ? 0 : Math.max(0, this.#usableForMs());
    this.settings.emitter.emit({ type: 'read-failed', secretId, stage, durationMs, error, staleForMs });
    return error;
  }

  /** Numbers a read that is sent now. */
  begin(): number {
    this.#sent += 1;
    return this.#sent;
  }

  /** Counts a read by `preload` towards this secret's limit. */
  countRead(): void {
    this.#limit.count();
  }

  /** Caches a value, unless a later read has answered already. */
  adopt(value: SecretValue, order: number, readAt: Moment): void {
    if (order < this.#adopted) return;
    const { maxAgeMs, jitter, emitter } = this.settings;
    this.#adopted = order;
    this.#failure = undefined;
    this.#checkedAt = readAt;
    this.#freshForMs = maxAgeMs * (1 - jitter * Math.random());
    const held = this.#value;
    if (held?.versionId === value.versionId && held.stage === value.stage) return;
    if (held !== undefined && this.refusals?.mustKeep(held, value) === true) return;
    this.#value = value;
    this.#answer = Promise.resolve(value);
    if (held === undefined || held.versionId === value.versionId) return;
    const { id: secretId } = this;
    const { versionId } = value;
    emitter.emit({ type: 'refreshed', secretId, versionId, previousVersionId: held.versionId });
    this.refusals?.moved();
  }
}
