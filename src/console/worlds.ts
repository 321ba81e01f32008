import { printable } from '../cli/printable.ts';
import type { KnownPolicies } from '../local/access/explain.ts';
import { type Secret, unfinishedVersion } from '../secrets-manager/port.ts';
import type { Activity } from './activity.ts';
import { type Connection, connectAs, type Place } from './aws.ts';
import { createInventory, type Inventory, type Listing } from './inventory.ts';

/** Secrets Manager, as one principal sees it. */
export interface World extends Connection {
  readonly principal: string | undefined;
  readonly inventory: Inventory;
}

/** Secrets Manager, as each principal sees it. */
export interface Worlds {
  /** ARNs; empty if policies are not known. */
  readonly principals: readonly string[];
  /** @param principal undefined: the first known one; if none is known, the one that the AWS CLI would use */
  of(principal: string | undefined): World;
  /** Something was changed: the next look lists the secrets again. */
  forget(): void;
}

/** What {@link createWorlds} needs. */
export interface WorldParts {
  readonly place: Place;
  readonly environment: NodeJS.ProcessEnv;
  readonly policies: KnownPolicies | undefined;
  readonly activity: Activity;
  /** True: events tell of changes. False: changes are found by comparing lists. */
  readonly isExact: boolean;
  /** How old a list may be, in ms. */
  readonly maxAgeMs: number;
  /** Says something on the terminal. */
  readonly note: (line: string) => void;
}

export function createWorlds(parts: WorldParts): Worlds {
  const { place, environment, policies, activity, isExact, maxAgeMs, note } = parts;
  const known = new Map((policies?.principals ?? []).map((principal) => [principal.arn, principal]));
  const principals = [...known.keys()];
  const worlds = new Map<string, World>();
  const make = (principal: string | undefined): World => {
    const credentials = principal === undefined ? undefined : known.get(principal);
    const connection = connectAs(place, credentials, environment, ({ secretId, versionId, shown }) => {
      const who = principal === undefined ? '' : ` as ${principal}`;
      note(
        `${shown ? 'read and shown' : 'read, not shown'}: ${printable(secretId)}, version ${printable(versionId)}${printable(who)}`,
      );
    });
    const list = async (onListed: (count: number) => void): Promise<Secret[]> => {
      const found: Secret[] = [];
      for await (const secret of connection.secrets.list({ withDeleted: true })) {
        found.push(secret);
        if (found.length % 100 === 0) onListed(found.length);
      }
      return found;
    };
    const inventory = createInventory(list, maxAgeMs, (before, now) => {
      if (!isExact && before !== undefined) compare(before, now, activity);
    });
    return { ...connection, principal, inventory };
  };
  return {
    principals,
    of(asked) {
      const principal = asked ?? principals[0];
      const found = worlds.get(principal ?? '') ?? make(principal);
      worlds.set(principal ?? '', found);
      return found;
    },
    forget: () => {
      for (const { inventory } of worlds.values()) inventory.forget();
    },
  };
}

/** Adds to the feed what has happened between two lists. */
function compare(before: Listing, now: Listing, activity: Activity): void {
  const old = new Map(before.secrets.map((secret) => [secret.arn, secret]));
  for (const secret of now.secrets) {
    const { arn } = secret;
    const was = old.get(arn);
    old.delete(arn);
    if (was === undefined) activity.saw({ arn, tone: 'plain', title: 'Stored', detail: '' });
    else if (timeOf(was.lastRotated) !== timeOf(secret.lastRotated) && secret.lastRotated !== undefined)
      activity.saw({ arn, tone: 'good', title: 'Rotated', detail: '' });
    else if (unfinishedVersion(was) !== unfinishedVersion(secret))
      activity.saw({
        arn,
        tone: 'plain',
        title: unfinishedVersion(secret) === undefined ? 'AWSPENDING is gone' : 'A rotation began',
        detail: '',
      });
    else if (timeOf(was.deletedOn) !== timeOf(secret.deletedOn))
      activity.saw({
        arn,
        tone: 'plain',
        title: secret.deletedOn === undefined ? 'Restored' : 'Deletion scheduled',
        detail: '',
      });
    else if (timeOf(was.changed) !== timeOf(secret.changed))
      activity.saw({ arn, tone: 'quiet', title: 'Changed', detail: '' });
  }
  for (const { arn } of old.values()) activity.saw({ arn, tone: 'plain', title: 'Deleted', detail: '' });
}

function timeOf(date: Date | undefined): number {
  return date?.getTime() ?? 0;
}
