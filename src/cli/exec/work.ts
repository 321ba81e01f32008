import type { RotationAction } from '../../exec/rotation-actions.ts';
import type { PlaceOptions } from '../rotation/arguments.ts';

/** One variable from one reference, or one variable for each key of a secret. */
export type Mapping =
  | { readonly kind: 'variable'; readonly name: string; readonly reference: string }
  | { readonly kind: 'keys'; readonly reference: string };

/** What the command line asks for. */
export interface ExecWork extends PlaceOptions {
  readonly mappings: readonly Mapping[];
  readonly files: readonly { readonly output: string; readonly template: string }[];
  readonly filesIn: string | undefined;
  readonly prefix: string;
  readonly pristine: boolean;
  readonly keep: readonly string[];
  readonly onRotation: RotationAction;
  readonly pollMs: number;
  readonly graceMs: number;
  readonly maskOutput: boolean;
  readonly masks: 'stdout' | 'stderr' | 'none';
  readonly variables: ReadonlyMap<string, string>;
  readonly command: string;
  readonly commandArgs: readonly string[];
}
