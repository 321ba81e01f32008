import type { PlaceOptions, WantedTag } from '../rotation/arguments.ts';

/** What `keyturn fleet plan` is asked for. */
export interface PlanWork extends PlaceOptions {
  readonly out: string | undefined;
  readonly prefix: string | undefined;
  readonly tags: readonly WantedTag[];
  /** ARNs; empty for any. */
  readonly functions: readonly string[];
  readonly account: string | undefined;
  readonly olderThanDays: number | undefined;
  /** Empty for the region that the environment or the profile has. */
  readonly regions: readonly string[];
  /** Profiles of the AWS CLI, one for each account; empty for the credentials of the environment. */
  readonly profiles: readonly string[];
  readonly waves: readonly ('canary' | number)[];
  readonly perTarget: number;
  readonly atOnce: number;
  readonly toleratedPercent: number;
  readonly quotaShare: number;
  readonly groupBy: 'host' | 'function' | { readonly tag: string };
  readonly preflight: boolean;
}

/** What is done with the file of a plan. */
export interface RunWork extends PlaceOptions {
  readonly file: string;
  /** Profiles of the AWS CLI, one for each account of the plan; empty for the credentials of the environment. */
  readonly profiles: readonly string[];
}

/** An execution on Step Functions, and where it is asked for. */
export interface ExecutionWork extends PlaceOptions {
  /** The execution's ARN. */
  readonly execution: string;
  readonly profile: string | undefined;
}
