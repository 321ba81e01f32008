import type { VersionDetails } from '../secrets-manager/port.ts';
import { versionWith } from '../secrets-manager/staging-labels.ts';

/** Labels that were seen to move. */
export interface SeenMove {
  /** In ms since the epoch. */
  readonly at: number;
  /** The labels of each version, before and after the move. */
  readonly before: Readonly<Record<string, readonly string[]>>;
  readonly after: Readonly<Record<string, readonly string[]>>;
}

/** When a version was AWSCURRENT, in ms since the epoch. */
export interface CurrentSpan {
  readonly from: number;
  /** Undefined: it still is. */
  readonly to: number | undefined;
  /** True: the move was seen. False: it is inferred from the dates of versions. */
  readonly isSeen: boolean;
}

/** One version in the timeline. */
export interface TimelineRow {
  readonly version: VersionDetails;
  /** In ms since the epoch; now, if the version has no value yet. */
  readonly createdAt: number;
  readonly current: CurrentSpan | undefined;
  readonly isPending: boolean;
}

/** The versions of a secret over time. Times are in ms since the epoch. */
export interface Timeline {
  /** Newest first. */
  readonly rows: readonly TimelineRow[];
  /** How many older versions are left out. */
  readonly leftOut: number;
  readonly startsAt: number;
  readonly endsAt: number;
  /** The moves of AWSCURRENT from one row to another, by their indexes in `rows`. */
  readonly moves: readonly { readonly at: number; readonly from: number; readonly to: number }[];
}

const mostRows = 12;

/**
 * Puts versions on a timeline. Secrets Manager tells only which labels a version has now. So, unless the moves were seen,
 * a version without AWSPENDING counts as AWSCURRENT from its own date to the date of the next such version.
 *
 * @param versions newest first
 */
export function timelineOf(
  versions: readonly VersionDetails[],
  moves: readonly SeenMove[],
  nowMs: number,
): Timeline {
  const shown = versions.slice(0, mostRows);
  const oldestFirst = shown
    .map((version) => ({
      version,
      createdAt: version.createdAt?.getTime() ?? nowMs,
      isPending: version.labels.includes('AWSPENDING') && !version.labels.includes('AWSCURRENT'),
    }))
    .reverse();
  const holders = oldestFirst.filter(({ isPending }) => !isPending);
  const now = holders.findIndex(({ version }) => version.labels.includes('AWSCURRENT'));
  const spans = new Map<string, CurrentSpan>();
  for (const [index, { version, createdAt }] of holders.entries()) {
    // A version newer than AWSCURRENT was given up, unless AWSCURRENT was moved back from it: then it has AWSPREVIOUS.
    if (now >= 0 && index > now && !wasPrevious(version)) continue;
    const next = index === now ? undefined : holders[index + 1];
    const to = index === now ? undefined : (next?.createdAt ?? nowMs);
    spans.set(version.id, { from: createdAt, to, isSeen: false });
  }
  const seen = seenHandovers(moves);
  for (const { at, from, to } of seen) {
    const [before, after] = [from === undefined ? undefined : spans.get(from), spans.get(to)];
    if (from !== undefined && before !== undefined) spans.set(from, { ...before, to: at, isSeen: true });
    if (after !== undefined) spans.set(to, { ...after, from: at, isSeen: true });
  }
  const rows = [...oldestFirst]
    .reverse()
    .map((row): TimelineRow => ({ ...row, current: spans.get(row.version.id) }));
  const startsAt = Math.min(nowMs, ...oldestFirst.map(({ createdAt }) => createdAt));
  return {
    rows,
    leftOut: versions.length - shown.length,
    startsAt,
    endsAt: nowMs,
    moves: handovers(rows),
  };
}

function wasPrevious({ labels }: VersionDetails): boolean {
  return labels.includes('AWSPREVIOUS');
}

function seenHandovers(
  moves: readonly SeenMove[],
): { readonly at: number; readonly from: string | undefined; readonly to: string }[] {
  return moves.flatMap(({ at, before, after }) => {
    const [from, to] = [versionWith(before, 'AWSCURRENT'), versionWith(after, 'AWSCURRENT')];
    return to === undefined || to === from ? [] : [{ at, from, to }];
  });
}

function handovers(rows: readonly TimelineRow[]): Timeline['moves'] {
  return rows.flatMap(({ current }, from) => {
    if (current?.to === undefined) return [];
    const to = rows.findIndex((row) => row.current !== undefined && row.current.from === current.to);
    return to < 0 ? [] : [{ at: current.to, from, to }];
  });
}

/**
 * The place of a moment in the picture, from 0 to 1. It goes by the square root of the age. So the last minutes can be
 * told apart even if the first version is months old.
 */
export function positionOf(at: number, { startsAt, endsAt }: Pick<Timeline, 'startsAt' | 'endsAt'>): number {
  const span = Math.max(1, endsAt - startsAt);
  return 1 - Math.sqrt(Math.min(1, Math.max(0, (endsAt - at) / span)));
}

const marks: readonly (readonly [ms: number, words: string])[] = [
  [60_000, '1 min'],
  [600_000, '10 min'],
  [3_600_000, '1 h'],
  [6 * 3_600_000, '6 h'],
  [86_400_000, '1 day'],
  [7 * 86_400_000, '1 week'],
  [30 * 86_400_000, '1 month'],
  [182 * 86_400_000, '6 months'],
  [365 * 86_400_000, '1 year'],
];

/** At most four ages to write at the axis, not too close together. */
export function axisOf(
  timeline: Pick<Timeline, 'startsAt' | 'endsAt'>,
): { readonly place: number; readonly words: string }[] {
  const span = timeline.endsAt - timeline.startsAt;
  const found: { place: number; words: string }[] = [];
  for (const [ms, words] of [...marks].reverse()) {
    if (ms > span || found.length >= 4) continue;
    const place = positionOf(timeline.endsAt - ms, timeline);
    // The words at the start of the axis are aligned left, so they need room. The others are centred.
    const isFree = place > 0.3 && place - (found.at(-1)?.place ?? 0) > 0.2;
    if (isFree && place < 0.88) found.push({ place, words: `${words} ago` });
  }
  return found;
}
