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
  /** Empty: the region of the environment or of the profile. */
  readonly regions: readonly string[];
  /** Profiles of the AWS CLI, one for each account. Empty: the credentials of the environment. */
  readonly profiles: readonly string[];
  readonly waves: readonly ('canary' | number)[];
  readonly perTarget: number;
  readonly atOnce: number;
  readonly toleratedPercent: number;
  /** From 0 to 1. */
  readonly quotaShare: number;
  readonly groupBy: 'host' | 'function' | { readonly tag: string };
  readonly preflight: boolean;
}

/** What `keyturn fleet start` and `report` are asked for. */
export interface RunWork extends PlaceOptions {
  /** The path of the plan. */
  readonly file: string;
  /** Profiles of the AWS CLI, one for each account of the plan. Empty: the credentials of the environment. */
  readonly profiles: readonly string[];
}

/** What `keyturn fleet watch`, `stop` and `redrive` are asked for. */
export interface ExecutionWork extends PlaceOptions {
  /** The execution's ARN. */
  readonly execution: string;
  readonly profile: string | undefined;
}
