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
  readonly regions: readonly string[] | undefined;
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
}
