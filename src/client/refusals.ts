import type { CachedSecret } from './cached-secret.ts';
import { explainReadError, isDefinite } from './read-errors.ts';
import { now, sleep } from './timing.ts';
import type { SecretValue } from './value.ts';

/** What targets have said of a version, ms on the monotonic clock. */
interface Verdict {
  refusedAt: number;
  acceptedAt: number;
}

/** The time from the refusal of AWSCURRENT to the next version that is let in. */
interface Bridge {
  readonly versionId: string;
  readonly startedAt: number;
  readonly moved: PromiseWithResolvers<void>;
  /** Looks at Secrets Manager so far. */
  looks: number;
  /** The look that is under way, for all who wait. */
  look: Promise<void> | undefined;
  /** That look waits for nothing but the answer. */
  looksAtOnce: boolean;
  lookedAt: number;
  retriedAt: number;
}

/** For how long one caller waits; ms on the monotonic clock. */
export interface Waiting {
  readonly at: number;
  /** Its first refusal. */
  readonly firstAt: number;
  readonly deadlineMs: number;
  readonly signal: AbortSignal | undefined;
}

/** Attempts of one caller: what it has had refused, and when. */
export type Tried = Map<string, number>;

const keptVerdicts = 16;
/** For so long nobody else tries what somebody has just had refused. */
const sharedRefusalMs = 1_000;
const shortestWaitMs = 100;
const longestWaitMs = 2_000;
/** The last look comes so long before the deadline, so that its answer is there in time. */
const lastLookMs = 200;
/** AWSPENDING of another target than AWSCURRENT's is not tried. */
const targetFields = ['engine', 'host', 'port', 'dbname'];

/** What becomes of refusals of one secret, for all callers together. */
export class Refusals {
  readonly #secret: CachedSecret;
  readonly #verdicts = new Map<string, Verdict>();
  /** A rotation's new version, which may work already. */
  #pending: SecretValue | undefined;
  #mayReadPending: boolean;
  /** The last refusal came between the change and the move of a rotation, as the next one probably will. */
  #expectsPending = false;
  #bridge: Bridge | undefined;

  constructor(secret: CachedSecret) {
    this.#secret = secret;
    this.#mayReadPending = secret.settings.pending && secret.stage === 'AWSCURRENT';
  }

  /** Whether the value that is held stays, although an answer names another: that one was refused, and this one not. */
  prefers(held: SecretValue, answered: SecretValue): boolean {
    return !this.#isRefused(held) && this.#isRefused(answered);
  }

  /** Another version is handed out from now on. */
  moved(): void {
    this.#pending = undefined;
    this.#bridge?.moved.resolve();
    this.#bridge = undefined;
  }

  #isRefused(value: SecretValue): boolean {
    const verdict = this.#verdicts.get(keyOf(value));
    return verdict !== undefined && verdict.refusedAt > verdict.acceptedAt;
  }

  #refuse(value: SecretValue, tried: Tried, at: number): void {
    // What is handed out may have been read as AWSPENDING: it is no other credential under its new label.
    const keys =
      value === this.#secret.value
        ? [`${value.versionId} ${this.#secret.stage}`, keyOf(value)]
        : [keyOf(value)];
    for (const key of keys) {
      tried.set(key, at);
      this.#verdicts.set(key, { acceptedAt: this.#verdicts.get(key)?.acceptedAt ?? 0, refusedAt: at });
    }
    if (value === this.#pending) this.#expectsPending = false;
    for (const oldest of this.#verdicts.keys()) {
      if (this.#verdicts.size <= keptVerdicts) break;
      this.#verdicts.delete(oldest);
    }
  }

  /**
   * A target has let a version in.
   *
   * @param begunAt when the attempt began, ms on the monotonic clock: one from before a refusal says nothing about it
   */
  accept(value: SecretValue, begunAt: number): void {
    const verdict = this.#verdicts.get(keyOf(value));
    if (verdict !== undefined) {
      if (begunAt < verdict.refusedAt) return;
      verdict.acceptedAt = performance.now();
    }
    if (value === this.#pending) {
      this.#expectsPending = true;
      this.#secret.adopt(value, this.#secret.begin(), now());
    }
    if (this.#bridge?.versionId === value.versionId) this.moved();
  }

  /** A credential that this caller has not had refused, as far as one is known. */
  #known(tried: Tried): SecretValue | undefined {
    return [this.#secret.value, this.#pending].find((value) => {
      if (value === undefined) return false;
      const key = keyOf(value);
      const { refusedAt, acceptedAt } = this.#verdicts.get(key) ?? { refusedAt: -Infinity, acceptedAt: 0 };
      const triedAt = tried.get(key);
      if (triedAt !== undefined) return acceptedAt > triedAt;
      return acceptedAt > refusedAt || performance.now() - refusedAt > sharedRefusalMs;
    });
  }

  /**
   * The next credential to try after a refusal; undefined where the refusal stays.
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
      // Where a refusal has outlasted the deadline, later callers don't wait again: they get one look in a second.
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

  /** Looks once whether the rotation has got on, after a wait: one read for all who were refused, or two. */
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
      // A failure is told by an event: it is no news, and the next look may bring some.
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
      if (explained.code === 'AccessDenied' && isDefinite(explained)) this.#mayReadPending = false;
    }
  }
}

/** Each second look allows one try, by one caller, with the version that was refused: targets may be late themselves. */
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
