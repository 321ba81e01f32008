/**
 * Decides what to do with a secret of a fleet, from DescribeSecret's answer. The command line evaluates these rules,
 * and the state machine's definition is made from them.
 */

/** A secret as DescribeSecret describes it; dates in ISO 8601. */
export interface SeenSecret {
  readonly deletedOn: string | undefined;
  readonly lastRotated: string | undefined;
  readonly rotationEnabled: boolean | undefined;
}

/** What became of a secret in a run. Only `rotated` and `already-rotated` are success. */
export type Outcome =
  /** This run has rotated it. */
  | 'rotated'
  /** It was rotated since the plan was made: by an earlier run of the plan, by its schedule, or by a person. */
  | 'already-rotated'
  /** It is deleted, or marked for deletion. */
  | 'gone'
  /** Its rotation is off. */
  | 'off'
  /** No permission. */
  | 'refused'
  /** The rotation began, and had not ended when the wait was over. Secrets Manager continues it. */
  | 'unfinished'
  /** Some other error. */
  | 'failed'
  /** The first secret of its target was not rotated in an earlier wave. */
  | 'skipped'
  /** The run was stopped before, by an operator or by too many failures. */
  | 'not-started';

/** What to do with a secret next. `due`: rotate it, or wait if its rotation has begun. */
export type Decision = Extract<Outcome, 'rotated' | 'gone' | 'off'> | 'due';

/** A condition in the Amazon States Language, on the input of a Choice state. */
export interface ChoiceRule {
  readonly [member: string]: unknown;
}

interface Rule {
  readonly verdict: Exclude<Decision, 'due'>;
  /** @param rotatedBefore the date in the plan's entry: a later rotation is one since the plan was made */
  holds(secret: SeenSecret, rotatedBefore: string): boolean;
  /** The same, where `$.secret` is DescribeSecret's answer and `$.entry` is the plan's entry. */
  readonly choice: ChoiceRule;
}

/** The rules, in this order. If none of them holds, the secret is due. */
export const rules: readonly Rule[] = [
  {
    verdict: 'gone',
    holds: ({ deletedOn }) => deletedOn !== undefined,
    choice: { Variable: '$.secret.DeletedDate', IsPresent: true },
  },
  {
    verdict: 'rotated',
    holds: ({ lastRotated }, rotatedBefore) =>
      lastRotated !== undefined && Date.parse(lastRotated) > Date.parse(rotatedBefore),
    choice: {
      And: [
        { Variable: '$.secret.LastRotatedDate', IsPresent: true },
        { Variable: '$.secret.LastRotatedDate', TimestampGreaterThanPath: '$.entry.rotatedBefore' },
      ],
    },
  },
  {
    verdict: 'off',
    holds: ({ rotationEnabled }) => rotationEnabled !== true,
    choice: {
      Or: [
        { Variable: '$.secret.RotationEnabled', IsPresent: false },
        { Variable: '$.secret.RotationEnabled', BooleanEquals: false },
      ],
    },
  },
];

/** What to do with a secret of the plan now. A secret that was rotated since the plan was made is not rotated again. */
export function decide(secret: SeenSecret, rotatedBefore: string): Decision {
  return rules.find((rule) => rule.holds(secret, rotatedBefore))?.verdict ?? 'due';
}

/**
 * A rotation after this date counts as one since the plan was made. It is the date of the last rotation, rounded up to
 * a second, because not every source has fractions.
 */
export function rotatedBefore(lastRotated: Date | undefined): string {
  const seconds = Math.ceil((lastRotated?.getTime() ?? 0) / 1000);
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
}

/** Whether an outcome leaves nothing to do. */
export function isDone(outcome: Outcome): boolean {
  return outcome === 'rotated' || outcome === 'already-rotated';
}

/** Whether so many targets have failed in a wave that the run stops. */
export function hasTooManyFailures(failedTargets: number, toleratedFailures: number): boolean {
  return failedTargets > toleratedFailures;
}

/** How often a run looks for the end of a rotation. */
export const waiting = {
  /** Seconds between two looks. */
  pollSeconds: 5,
  /** Looks until it counts as unfinished: ten minutes. */
  looks: 120,
} as const;
