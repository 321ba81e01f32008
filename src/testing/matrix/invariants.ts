import type { SecretFields } from '../../documents/fields.ts';
import { createRedactor } from '../../redact.ts';
import { versionWith } from '../../secrets-manager/staging-labels.ts';
import { overlapOf, type RotatorHarness, type TestAccount } from '../harness.ts';
import { documentOf } from '../secrets.ts';
import type { StoredSecret } from './stored.ts';

/** Checks what must hold after any fault. Each check answers the broken promise, or undefined. */
export interface Invariants {
  /** At every moment: a stored version opens the target. If credentials overlap, AWSCURRENT does. */
  always(): Promise<string | undefined>;
  /** After the rotation: labels are in place, AWSCURRENT works, and no credential is left over. */
  atRest(): Promise<string | undefined>;
}

/** What the checks need. */
export interface InvariantsParts {
  readonly harness: RotatorHarness;
  readonly account: TestAccount;
  readonly read: () => Promise<StoredSecret>;
}

/** Makes the checks for one account and its secret. */
export function createInvariants({ harness, account, read }: InvariantsParts): Invariants {
  const { rotator } = harness;
  const checked = new Map<string, string | undefined>();

  const fieldsOf = ({ description, texts }: StoredSecret, versionId: string): SecretFields | undefined => {
    const text = texts.get(versionId);
    const tags = Object.fromEntries((description.Tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value]));
    return text === undefined ? undefined : documentOf(text, tags).fields;
  };
  const opens = async (fields: SecretFields | undefined): Promise<boolean> => {
    if (fields === undefined) return false;
    const context = { signal: new AbortController().signal, note: () => undefined };
    try {
      const session = await rotator.open(rotator.parse(fields), context);
      await session?.close();
      return session !== undefined;
    } catch (error) {
      // The report quotes this error.
      const redactor = createRedactor();
      redactor.learn(fields);
      throw redactor.error(error);
    }
  };
  const currentOpens = (stored: StoredSecret): Promise<boolean> => {
    const current = versionWith(stored.stages, 'AWSCURRENT');
    return current === undefined ? Promise.resolve(false) : opens(fieldsOf(stored, current));
  };
  const findViolation = async (stored: StoredSecret): Promise<string | undefined> => {
    if (await currentOpens(stored)) return undefined;
    if (overlapOf(harness) !== 'none') return 'AWSCURRENT does not open the target.';
    for (const id of likeliestFirst(stored)) {
      if (await opens(fieldsOf(stored, id))) return undefined;
    }
    return 'No stored version opens the target.';
  };

  return {
    always: async () => {
      const [stored, digest] = await Promise.all([read(), account.digest?.()]);
      if (digest === undefined) return findViolation(stored);
      const state = JSON.stringify([digest, stored.stages, [...stored.texts.keys()]]);
      if (!checked.has(state)) checked.set(state, await findViolation(stored));
      return checked.get(state);
    },
    atRest: async () => {
      const stored = await read();
      const unsettled = labelsAtRest(stored);
      if (unsettled !== undefined) return unsettled;
      if (!(await currentOpens(stored))) return 'AWSCURRENT does not open the target.';
      const previous = versionWith(stored.stages, 'AWSPREVIOUS');
      if (
        rotator.kind === 'issues' &&
        rotator.revocation === 'at-once' &&
        previous !== undefined &&
        (await opens(fieldsOf(stored, previous)))
      )
        return 'AWSPREVIOUS opens the target, and was to be revoked at once.';
      const needed = Object.keys(stored.stages)
        .map((id) => fieldsOf(stored, id))
        .filter((fields) => fields !== undefined);
      const orphans = (await account.countOrphans?.(needed)) ?? 0;
      return orphans === 0 ? undefined : `${orphans} issued credentials work and are in no labelled version.`;
    },
  };
}

function likeliestFirst({ stages, versionIds }: StoredSecret): string[] {
  const labelled = ['AWSPENDING', 'AWSPREVIOUS'].flatMap((label) => versionWith(stages, label) ?? []);
  return [...new Set([...labelled, ...versionIds.toReversed()])];
}

function labelsAtRest({ stages }: StoredSecret): string | undefined {
  const holders = Object.keys(stages).filter((id) => stages[id]?.includes('AWSCURRENT'));
  if (holders.length !== 1) return `${holders.length} versions have AWSCURRENT.`;
  const pending = versionWith(stages, 'AWSPENDING');
  if (pending === undefined || pending === holders[0]) return undefined;
  return 'AWSPENDING is on a version that is not AWSCURRENT.';
}
