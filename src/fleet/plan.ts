import { rotatedBefore, waiting } from './decisions.ts';

/** The version of plans, which the state machines take as well. */
export { fleetVersion } from './definition.ts';

/** A secret of a plan. */
export interface PlanEntry {
  readonly arn: string;
  readonly name: string;
  /** RotateSecret's ClientRequestToken. It is the same in every run of the plan, so a repeated request counts once. */
  readonly token: string;
  /** A rotation after this date (ISO 8601) counts as one since the plan was made. */
  readonly rotatedBefore: string;
}

/** Secrets of one target in one wave: an item of the distributed map. */
export interface PlanItem {
  readonly target: string;
  /** The target's secret of an earlier wave, which must be rotated before these are. */
  readonly canary?: Pick<PlanEntry, 'arn' | 'rotatedBefore'>;
  /** How many of them are rotated at once. */
  readonly perTarget: number;
  readonly pollSeconds: number;
  readonly mostLooks: number;
  readonly secrets: readonly PlanEntry[];
}

/** Items that are rotated before the next wave begins. */
export interface PlanWave {
  readonly name: string;
  readonly targetsAtOnce: number;
  /** If more targets fail, the run stops. */
  readonly toleratedFailures: number;
  readonly items: readonly PlanItem[];
}

/** Why a secret is not in a plan. */
export type BlockReason =
  | 'deleted'
  | 'no-rotation'
  | 'no-value'
  | 'stuck'
  | 'replica'
  | 'managed'
  | 'unreadable'
  | 'preflight-failed';

/** A secret that is left out, and why. */
export interface Blocked {
  readonly arn: string;
  readonly name: string;
  readonly reason: BlockReason;
  readonly detail: string;
}

/** Which secrets are rotated in which order. The file of `keyturn fleet plan` holds it as JSON. */
export interface FleetPlan {
  readonly version: number;
  readonly id: string;
  /** ISO 8601. */
  readonly madeAt: string;
  readonly secrets: number;
  readonly targets: number;
  readonly perTarget: number;
  readonly atOnce: number;
  /** The share of AWS's quotas to use, from 0 to 1. */
  readonly quotaShare: number;
  readonly estimatedSeconds: number;
  readonly waves: readonly PlanWave[];
  readonly blocked: readonly Blocked[];
}

/** A secret that is to be planned. */
export interface PlannedSecret {
  readonly arn: string;
  readonly name: string;
  /** The target, such as a host, whose rotations at once are limited. */
  readonly target: string;
  readonly lastRotated: Date | undefined;
}

/** How the waves are made. */
export interface PlanSettings {
  readonly id: string;
  readonly madeAt: Date;
  /** `canary`, or how many percent of each target's secrets are rotated when the wave is done. */
  readonly waves: readonly ('canary' | number)[];
  readonly perTarget: number;
  readonly atOnce: number;
  /** Percent of a wave's targets that may fail. */
  readonly toleratedPercent: number;
  readonly quotaShare: number;
  readonly pollSeconds?: number;
  readonly mostLooks?: number;
}

/**
 * AWS's quotas, for each account and region, in calls per second.
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html
 */
export const quotas = {
  /** RotateSecret and CancelRotateSecret together. */
  rotateSecret: 50,
  /** PutSecretValue, UpdateSecretVersionStage and others together. */
  writes: 50,
  /** A rotation writes its version, and moves AWSCURRENT. */
  writesPerRotation: 2,
} as const;

/** How many rotations may begin in a second, in one account and region. @param share of the quotas to use, from 0 to 1 */
export function rotationsPerSecond(share: number): number {
  return Math.min(quotas.rotateSecret, quotas.writes / quotas.writesPerRotation) * share;
}

/** Region and account of an ARN. Each account has quotas of its own in each region. */
export function placeOf(arn: string): string {
  return arn.split(':').slice(3, 5).join(':');
}

/** Most secrets in an item. It keeps an execution's input, history and cause within the limits of Step Functions. */
export const mostSecretsPerItem = 100;

/** How long a rotation takes, for the estimate: four steps with cold starts, and the time until the run notices. */
const usualSeconds = 10;

/**
 * Puts secrets in waves: the first secret of each target, then a part of each target, then the rest. Pure, except for the
 * tokens.
 *
 * @param newToken makes an id for a new version, such as a UUID
 */
export function makePlan(
  secrets: readonly PlannedSecret[],
  blocked: readonly Blocked[],
  settings: PlanSettings,
  newToken: () => string,
): Omit<FleetPlan, 'version'> {
  const { id, madeAt, perTarget, atOnce, quotaShare } = settings;
  const targets = new Map<string, PlanEntry[]>();
  for (const { arn, name, target, lastRotated } of secrets.toSorted(byName)) {
    const entries = targets.get(target) ?? [];
    entries.push({ arn, name, token: newToken(), rotatedBefore: rotatedBefore(lastRotated) });
    targets.set(target, entries);
  }
  const taken = new Map<string, number>();
  const waves = settings.waves.flatMap((share) => {
    const parts = new Map<string, readonly PlanEntry[]>();
    for (const [target, entries] of targets) {
      const from = taken.get(target) ?? 0;
      const until = share === 'canary' ? 1 : Math.ceil((entries.length * share) / 100);
      if (until <= from) continue;
      parts.set(target, entries.slice(from, until));
      taken.set(target, until);
    }
    return wavesOf(share === 'canary' ? 'canary' : `${share}%`, parts, targets, settings);
  });
  return {
    id,
    madeAt: madeAt.toISOString(),
    secrets: secrets.length,
    targets: targets.size,
    perTarget,
    atOnce,
    quotaShare,
    estimatedSeconds: estimate(waves, settings),
    waves,
    blocked,
  };
}

/** An item holds only some secrets. The others come in another wave: two items of a target in one wave run at once. */
function wavesOf(
  name: string,
  parts: ReadonlyMap<string, readonly PlanEntry[]>,
  targets: ReadonlyMap<string, readonly PlanEntry[]>,
  settings: PlanSettings,
): PlanWave[] {
  const { perTarget, atOnce, toleratedPercent } = settings;
  const { pollSeconds = waiting.pollSeconds, mostLooks = waiting.looks } = settings;
  const waves: PlanWave[] = [];
  for (let from = 0; ; from += mostSecretsPerItem) {
    const items = [...parts].flatMap(([target, entries]): PlanItem[] => {
      const secrets = entries.slice(from, from + mostSecretsPerItem);
      const [first] = targets.get(target) ?? [];
      if (secrets.length === 0 || first === undefined) return [];
      const isFirst = secrets.includes(first);
      const canary = isFirst ? {} : { canary: { arn: first.arn, rotatedBefore: first.rotatedBefore } };
      return [{ target, ...canary, perTarget, pollSeconds, mostLooks, secrets }];
    });
    if (items.length === 0) return waves;
    waves.push({
      name: from === 0 ? name : `${name}, part ${from / mostSecretsPerItem + 1}`,
      targetsAtOnce: Math.max(1, Math.floor(atOnce / perTarget)),
      toleratedFailures: Math.floor((items.length * toleratedPercent) / 100),
      items,
    });
  }
}

/**
 * The target's name for a host: the same for every spelling of the host. It has no port, because one server may listen on
 * several. It has no dot at its end, with which a DNS name may be written.
 *
 * @param host a host's name or address, or a URL
 */
export function targetOfHost(host: string): string {
  const name = (host.includes('://') ? URL.parse(host)?.hostname : undefined) ?? host;
  const bare = name
    .trim()
    .replace(/^\[(.*)\](:\d+)?$/, '$1')
    .toLowerCase();
  // An IPv6 address has colons of its own.
  const alone = /^[^:]*:\d+$/.test(bare) ? bare.replace(/:\d+$/, '') : bare;
  return alone.replace(/\.+$/, '') || bare;
}

/** Estimated seconds: the slowest of the quotas, the largest target, and the limit of rotations at once. */
function estimate(waves: readonly PlanWave[], { quotaShare, perTarget, atOnce }: PlanSettings): number {
  const seconds = waves.map(({ items }) => {
    const counts = items.map(({ secrets }) => secrets.length);
    const all = counts.reduce((sum, count) => sum + count, 0);
    const places = Map.groupBy(
      items.flatMap(({ secrets }) => secrets),
      ({ arn }) => placeOf(arn),
    );
    const mostOfAPlace = Math.max(...Array.from(places.values(), ({ length }) => length));
    return Math.max(
      mostOfAPlace / rotationsPerSecond(quotaShare) + usualSeconds,
      Math.ceil(Math.max(...counts) / perTarget) * usualSeconds,
      (all / atOnce) * usualSeconds,
    );
  });
  return Math.ceil(seconds.reduce((sum, one) => sum + one, 0));
}

function byName(one: PlannedSecret, other: PlannedSecret): number {
  return one.name < other.name ? -1 : 1;
}
