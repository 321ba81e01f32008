import { type Secret, unfinishedVersion } from '../secrets-manager/port.ts';
import { versionWith } from '../secrets-manager/staging-labels.ts';
import type { Activity } from './activity.ts';

/** The states of a secret. The most urgent come first. */
export const secretStates = [
  'failed',
  'stuck',
  'no-value',
  'overdue',
  'rotating',
  'due',
  'healthy',
  'off',
  'never',
  'deleted',
] as const;

/** One of {@link secretStates}. */
export type SecretState = (typeof secretStates)[number];

/** What each state is called on the page. */
export const stateWords: Readonly<Record<SecretState, string>> = {
  failed: 'Failed',
  stuck: 'Stuck',
  'no-value': 'No value',
  overdue: 'Overdue',
  rotating: 'Rotating',
  due: 'Due',
  healthy: 'Rotates',
  off: 'Rotation off',
  never: 'Not rotated',
  deleted: 'Deletion scheduled',
};

const dayMs = 86_400_000;
/** A rotation takes seconds. One that is unfinished for this long counts as stuck. */
const stuckAfterMs = 5 * 60_000;

/** The state of a secret, from ListSecrets and from the events seen so far. */
export function stateOf(
  secret: Pick<Secret, 'arn' | 'deletedOn' | 'stages' | 'rotationEnabled' | 'nextRotation' | 'changed'>,
  activity: Pick<Activity, 'runOf'>,
  nowMs: number,
): SecretState {
  if (secret.deletedOn !== undefined) return 'deleted';
  const run = activity.runOf(secret.arn);
  if (run !== undefined && run.endedAt === undefined) return 'rotating';
  if (versionWith(secret.stages, 'AWSCURRENT') === undefined) return 'no-value';
  if (unfinishedVersion(secret) !== undefined) {
    if (run?.state === 'failed') return 'failed';
    const quietMs = nowMs - (secret.changed?.getTime() ?? 0);
    return run === undefined && quietMs < stuckAfterMs ? 'rotating' : 'stuck';
  }
  if (secret.rotationEnabled === undefined) return 'never';
  if (!secret.rotationEnabled) return 'off';
  if (run?.state === 'failed') return 'failed';
  const next = secret.nextRotation?.getTime();
  if (next === undefined) return 'healthy';
  if (next < nowMs) return 'overdue';
  return next - nowMs < dayMs ? 'due' : 'healthy';
}

/** All secrets, as they were listed last. */
export interface Listing {
  readonly secrets: readonly Secret[];
  /** In ms since the epoch. */
  readonly listedAt: number;
}

/** Keeps the list of all secrets, and lists them again if the list is old. */
export interface Inventory {
  /**
   * The list. If it is old, the secrets are listed again. If that takes longer than `waitMs`, the result is the old list,
   * or undefined if there is none.
   *
   * @throws KeyturnError if listing failed
   */
  look(waitMs: number): Promise<Listing | undefined>;
  /** While secrets are being listed: how many were listed so far. */
  readonly progress: number;
  /** Makes the next look list the secrets again. */
  forget(): void;
}

/**
 * @param maxAgeMs how old a list may be
 * @param onListed is called with the old and the new list after each listing
 */
export function createInventory(
  list: (onPage: (count: number) => void) => Promise<Secret[]>,
  maxAgeMs: number,
  onListed: (before: Listing | undefined, now: Listing) => void,
): Inventory {
  let known: (Listing & { readonly asOf: number }) | undefined;
  /** Counts changes. A list is valid if it was begun after the last change. */
  let changes = 0;
  let progress = 0;
  let listing: { readonly asOf: number; readonly done: Promise<Listing> } | undefined;

  const listNow = async (asOf: number): Promise<Listing> => {
    try {
      const secrets = await list((count) => {
        progress = count;
      });
      const now = { secrets, listedAt: Date.now(), asOf };
      if (known === undefined || known.asOf <= asOf) {
        onListed(known, now);
        known = now;
      }
      return now;
    } finally {
      if (listing?.asOf === asOf) listing = undefined;
    }
  };
  const refresh = (): Promise<Listing> => {
    if (listing?.asOf === changes) return listing.done;
    progress = 0;
    listing = { asOf: changes, done: listNow(changes) };
    return listing.done;
  };
  return {
    async look(waitMs) {
      if (known?.asOf === changes && Date.now() - known.listedAt < maxAgeMs) return known;
      const refreshed = refresh();
      // If listing fails after the wait, the next look reports it.
      refreshed.catch(() => undefined);
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<undefined>((resolve) => {
        timer = setTimeout(() => resolve(undefined), waitMs);
      });
      try {
        return (await Promise.race([refreshed, late])) ?? known;
      } finally {
        clearTimeout(timer);
      }
    },
    get progress() {
      return progress;
    },
    forget: () => {
      changes += 1;
    },
  };
}

/** Which secrets of the list are shown, and in which order. */
export interface ListQuery {
  readonly search: string;
  readonly state: SecretState | undefined;
  readonly tag: string | undefined;
  readonly sort: 'attention' | 'name' | 'age' | 'next';
  readonly page: number;
}

/** A secret in the list. */
export interface Row {
  readonly secret: Secret;
  readonly state: SecretState;
}

/** A page of the list. */
export interface Page {
  readonly rows: readonly Row[];
  /** How many secrets match, on all pages. */
  readonly count: number;
  readonly pages: number;
  readonly page: number;
  /** How many secrets are in each state, of all secrets. */
  readonly states: ReadonlyMap<SecretState, number>;
}

export const pageSize = 50;

/** Finds the secrets to show, and their order. */
export function findPage(
  { secrets }: Listing,
  { search, state, tag, sort, page }: ListQuery,
  activity: Pick<Activity, 'runOf'>,
  nowMs: number,
): Page {
  const states = new Map<SecretState, number>();
  const words = search
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  const found: Row[] = [];
  for (const secret of secrets) {
    const row = { secret, state: stateOf(secret, activity, nowMs) };
    states.set(row.state, (states.get(row.state) ?? 0) + 1);
    if (state !== undefined && row.state !== state) continue;
    if (tag !== undefined && ![...secret.tags].some((pair) => pair.join('=') === tag)) continue;
    if (words.length > 0 && !matches(secret, words)) continue;
    found.push(row);
  }
  found.sort(orders[sort]);
  const pages = Math.max(1, Math.ceil(found.length / pageSize));
  const shown = Math.min(Math.max(1, page), pages);
  const rows = found.slice((shown - 1) * pageSize, shown * pageSize);
  return { rows, count: found.length, pages, page: shown, states };
}

function matches({ name, description = '', tags }: Secret, words: readonly string[]): boolean {
  const text = `${name}\n${description}\n${[...tags].map((tag) => tag.join('=')).join('\n')}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

const byName = (one: Row, other: Row): number => (one.secret.name < other.secret.name ? -1 : 1);
const nextOf = ({ secret }: Row): number => secret.nextRotation?.getTime() ?? Infinity;

/** When the current value was stored, as far as it is known: rotated, otherwise created, otherwise changed. */
export function valueSince({ lastRotated, changed, created }: Secret): Date | undefined {
  return lastRotated ?? created ?? changed;
}

const orders: Readonly<Record<ListQuery['sort'], (one: Row, other: Row) => number>> = {
  attention: (one, other) =>
    secretStates.indexOf(one.state) - secretStates.indexOf(other.state) ||
    compare(nextOf(one), nextOf(other)) ||
    byName(one, other),
  name: byName,
  age: (one, other) =>
    compare(valueSince(one.secret)?.getTime() ?? 0, valueSince(other.secret)?.getTime() ?? 0) ||
    byName(one, other),
  next: (one, other) => compare(nextOf(one), nextOf(other)) || byName(one, other),
};

/** A difference of two infinite numbers would be NaN. */
function compare(one: number, other: number): number {
  return one === other ? 0 : one < other ? -1 : 1;
}
