import { explainReadError, isAnswerAboutSecret } from './read-errors.ts';
import { type Moment, now, sleep } from './timing.ts';
import type { SecretValue } from './value.ts';

/** When targets last refused and accepted a version; ms on the monotonic clock. */
interface LoginTimes {
  refusedAt: number;
  acceptedAt: number;
}

/** The time from the refusal of AWSCURRENT until another version is accepted. */
interface Bridge {
  readonly versionId: string;
  readonly startedAt: number;
  readonly moved: PromiseWithResolvers<void>;
  /** How often Secrets Manager was read so far. */
  looks: number;
  /** The read that is under way, shared by all callers that wait. */
  look: Promise<void> | undefined;
  /** Whether that read began without a wait. */
  looksAtOnce: boolean;
  lookedAt: number;
  retriedAt: number;
}

/** For how long one caller waits; moments in ms on the monotonic clock. */
export interface Waiting {
  /** When its last attempt was refused. */
  readonly at: number;
  /** When its first attempt was refused. */
  readonly firstAt: number;
  readonly deadlineMs: number;
  readonly signal: AbortSignal | undefined;
}

/** The versions that one caller has had refused, and when. */
export type Tried = Map<string, number>;

const keptVersions = 16;
/** For how long other callers don't try a version that was just refused. */
const sharedRefusalMs = 1_000;
const shortestWaitMs = 100;
const longestWaitMs = 2_000;
/** The last read begins this long before the deadline, so that its answer comes in time. */
const lastLookMs = 200;
/** AWSPENDING is tried only if these fields equal AWSCURRENT's. */
const targetFields = ['engine', 'host', 'port', 'dbname'];

/** What is used of a secret in the cache. */
interface Refusable {
  readonly id: string;
  readonly stage: string;
  readonly settings: { readonly pending: boolean };
  readonly value: SecretValue | undefined;
  readonly readDelayMs: number;
  begin(): number;
  adopt(value: SecretValue, order: number, readAt: Moment): void;
  read(fresh: boolean, refused: string): Promise<SecretValue>;
  readPending(refused: string): Promise<SecretValue>;
}

/** Finds the next credential after a refusal, for all callers of one secret together. */
export class Refusals {
  readonly #secret: Refusable;
  readonly #logins = new Map<string, LoginTimes>();
  /** A rotation's new version, which may work already. */
  #pending: SecretValue | undefined;
  #mayReadPending: boolean;
  /** Whether AWSPENDING was accepted after the last refusal. The next refusal will probably be like it. */
  #expectsPending = false;
  #bridge: Bridge | undefined;

  constructor(secret: Refusable) {
    this.#secret = secret;
    this.#mayReadPending = secret.settings.pending && secret.stage === 'AWSCURRENT';
  }

  /** Whether to keep a value although a read has answered another one, because only that other one was refused. */
  mustKeep(held: SecretValue, answered: SecretValue): boolean {
    return !this.#isRefused(held) && this.#isRefused(answered);
  }

  /** Ends the bridge: another version is handed out from now on. */
  moved(): void {
    this.#pending = undefined;
    this.#bridge?.moved.resolve();
    this.#bridge = undefined;
  }

  #isRefused(value: SecretValue): boolean {
    const logins = this.#logins.get(keyOf(value));
    return logins !== undefined && logins.refusedAt > logins.acceptedAt;
  }

  #refuse(value: SecretValue, tried: Tried, at: number): void {
    // The value may have been read as AWSPENDING. With its new label it is the same credential.
    const keys =
      value === this.#secret.value
        ? [`${value.versionId} ${this.#secret.stage}`, keyOf(value)]
        : [keyOf(value)];
    for (const key of keys) {
      tried.set(key, at);
      this.#logins.set(key, { acceptedAt: this.#logins.get(key)?.acceptedAt ?? 0, refusedAt: at });
    }
    if (value === this.#pending) this.#expectsPending = false;
    for (const oldest of this.#logins.keys()) {
      if (this.#logins.size <= keptVersions) break;
      this.#logins.delete(oldest);
    }
  }

  /**
   * Records that a target has accepted a version.
   *
   * @param begunAt when the attempt began, ms on the monotonic clock. It is ignored if the version was refused later
   */
  accept(value: SecretValue, begunAt: number): void {
    const logins = this.#logins.get(keyOf(value));
    if (logins !== undefined) {
      if (begunAt < logins.refusedAt) return;
      logins.acceptedAt = performance.now();
    }
    if (value === this.#pending) {
      this.#expectsPending = true;
      this.#secret.adopt(value, this.#secret.begin(), now());
    }
    if (this.#bridge?.versionId === value.versionId) this.moved();
  }

  /** A known credential that this caller has not had refused. */
  #known(tried: Tried): SecretValue | undefined {
    return [this.#secret.value, this.#pending].find((value) => {
      if (value === undefined) return false;
      const key = keyOf(value);
      const { refusedAt, acceptedAt } = this.#logins.get(key) ?? { refusedAt: -Infinity, acceptedAt: 0 };
      const triedAt = tried.get(key);
      if (triedAt !== undefined) return acceptedAt > triedAt;
      return acceptedAt > refusedAt || performance.now() - refusedAt > sharedRefusalMs;
    });
  }

  /**
   * Finds the next credential to try after a refusal; undefined if the refusal stays.
   *
   * @throws the signal's reason
   */
  async next(
    refused: SecretValue,
    tried: Tried,
    { at: refusedAt, firstAt, deadlineMs, signal }: Waiting,
  ): Promise<SecretValue | undefined> {
    this.#refuse(refused, tried, refusedAt);
    const until = firstAt + deadlineMs;
    for (;;) {
      const known = this.#known(tried);
      if (known !== undefined) return known;
      const bridge = this.#bridgeOf(deadlineMs);
      // After a refusal has outlasted the deadline, later callers don't wait again: they share one read a second.
      const hasStayed = firstAt - bridge.startedAt >= deadlineMs;
      const at = performance.now();
      if (at >= until || (hasStayed && !this.#mayLookAtOnce(bridge, at))) return undefined;
      if (bridge.look === undefined) {
        bridge.looksAtOnce = hasStayed;
        bridge.look = this.#look(bridge, hasStayed ? 0 : until - at);
      }
      await sleep(until - at, { signal, or: bridge.look });
      const found = this.#known(tried);
      if (found !== undefined || hasStayed) return found;
      if (mayRetry(bridge)) return this.#secret.value;
    }
  }

  #bridgeOf(deadlineMs: number): Bridge {
    const versionId = this.#secret.value?.versionId ?? '';
    const at = performance.now();
    const known = this.#bridge;
    if (known?.versionId === versionId && (known.look !== undefined || at - known.lookedAt < deadlineMs)) {
      return known;
    }
    this.#bridge = {
      versionId,
      startedAt: at,
      moved: Promise.withResolvers(),
      looks: 0,
      look: undefined,
      looksAtOnce: false,
      lookedAt: at,
      retriedAt: 0,
    };
    return this.#bridge;
  }

  #mayLookAtOnce(bridge: Bridge, at: number): boolean {
    if (bridge.look !== undefined) return bridge.looksAtOnce;
    return at - bridge.lookedAt >= sharedRefusalMs && this.#secret.readDelayMs === 0;
  }

  /** Waits, and reads Secrets Manager once for all callers that were refused: AWSCURRENT, AWSPENDING or both. */
  async #look(bridge: Bridge, longestMs: number): Promise<void> {
    const number = bridge.looks;
    try {
      const waitMs = Math.min(longestWaitMs, shortestWaitMs * 2 ** (number - 1)) * (0.5 + Math.random());
      const latestMs = longestMs > lastLookMs ? longestMs - lastLookMs : longestMs;
      if (number > 0) await sleep(Math.min(waitMs, latestMs), { or: bridge.moved.promise });
      if (this.#bridge !== bridge) return;
      const pendingFirst = number === 0 && this.#expectsPending;
      if (pendingFirst) {
        await this.#readPending(bridge);
        if (this.#pending !== undefined) return;
        this.#expectsPending = false;
      }
      // A failed read has emitted an event. The next read may succeed.
      await this.#secret.read(true, bridge.versionId).catch(() => undefined);
      if (this.#bridge === bridge && number % 2 === 0 && !pendingFirst) await this.#readPending(bridge);
    } finally {
      bridge.looks += 1;
      bridge.look = undefined;
      bridge.lookedAt = performance.now();
    }
  }

  async #readPending(bridge: Bridge): Promise<void> {
    if (!this.#mayReadPending || (bridge.looksAtOnce && this.#secret.readDelayMs > 0)) return;
    try {
      const pending = await this.#secret.readPending(bridge.versionId);
      const current = this.#secret.value;
      if (this.#bridge !== bridge || current === undefined) return;
      const isOther = pending.versionId !== bridge.versionId && sameTarget(current, pending);
      this.#pending = isOther ? pending : undefined;
    } catch (error) {
      this.#pending = undefined;
      const explained = explainReadError(error, this.#secret.id);
      if (explained.code === 'AccessDenied' && isAnswerAboutSecret(explained)) this.#mayReadPending = false;
    }
  }
}

/** From the fourth read on, every second one lets a caller try the refused version again. The target may accept it late. */
function mayRetry(bridge: Bridge): boolean {
  if (bridge.looks < 4 || bridge.looks % 2 !== 0 || bridge.retriedAt === bridge.looks) return false;
  bridge.retriedAt = bridge.looks;
  return true;
}

function keyOf({ versionId, stage }: SecretValue): string {
  return `${versionId} ${stage}`;
}

function sameTarget(one: SecretValue, other: SecretValue): boolean {
  return targetFields.every((field) => one.fields[field] === other.fields[field]);
}
