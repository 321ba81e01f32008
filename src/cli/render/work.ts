import type { FormatName } from '../../render/format-names.ts';
import type { PlaceOptions } from '../rotation/arguments.ts';

/** What is to become of the result. */
export type Purpose =
  | { readonly kind: 'file'; readonly output: string }
  | { readonly kind: 'stdout' }
  | { readonly kind: 'check' };

/** What the command line asks for. */
export interface RenderWork extends PlaceOptions {
  readonly template: string;
  readonly purpose: Purpose;
  /** Undefined: known by the template's name, or by the output's. */
  readonly format: FormatName | undefined;
  readonly masks: 'stdout' | 'stderr' | 'none';
  readonly variables: ReadonlyMap<string, string>;
}
