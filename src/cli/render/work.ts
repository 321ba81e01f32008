import type { FormatName } from '../../render/format-names.ts';
import type { PlaceOptions } from '../rotation/arguments.ts';

/** Where the result goes; `check`: nothing is rendered. */
export type Purpose =
  | { readonly kind: 'file'; readonly output: string }
  | { readonly kind: 'stdout' }
  | { readonly kind: 'check' };

/** What the command line asks for. */
export interface RenderWork extends PlaceOptions {
  readonly template: string;
  readonly purpose: Purpose;
  /** Undefined: the format follows from the template's name, or from the output's. */
  readonly format: FormatName | undefined;
  readonly masks: 'stdout' | 'stderr' | 'none';
  readonly variables: ReadonlyMap<string, string>;
}
