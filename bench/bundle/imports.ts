import { readFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { init, parse } from 'es-module-lexer';
import { packageOf } from '../support/bundle.ts';

/** A package that the sources import: by names at the start, or as a whole on demand. */
export interface Dependency {
  readonly name: string;
  readonly onDemand: boolean;
  /** A module that imports only the same names of it. */
  readonly module: string;
}

/** The packages that these sources import. */
export async function dependenciesOf(sources: readonly string[]): Promise<Dependency[]> {
  await init;
  const atStart = new Map<string, Set<string>>();
  const onDemand = new Map<string, Set<string>>();
  for (const source of sources) {
    const text = stripTypeScriptTypes(await readFile(source, 'utf8'));
    const [imports] = parse(text);
    for (const { n: specifier, d: dynamic, ss: start, se: end } of imports) {
      if (specifier === undefined || /^(\.|node:)/.test(specifier)) continue;
      const [found, names] = dynamic < 0 ? [atStart, namesIn(text.slice(start, end))] : [onDemand, ['*']];
      found.set(specifier, new Set([...(found.get(specifier) ?? []), ...names]));
    }
  }
  const all = [...atStart, ...[...onDemand].filter(([specifier]) => !atStart.has(specifier))];
  const packages = Map.groupBy(all, ([specifier]) => packageOf(`node_modules/${specifier}`));
  return [...packages].map(([name, specifiers]) => ({
    name,
    onDemand: specifiers.every(([specifier]) => onDemand.has(specifier)),
    module: specifiers.map(([specifier, names], index) => reexport(specifier, names, index)).join('\n'),
  }));
}

/** The exported names that a static import asks for. */
function namesIn(statement: string): string[] {
  const [, byDefault, list = ''] = /^import\s+(\w+)?[\s,]*(?:\{([^}]*)\})?/.exec(statement) ?? [];
  const named = list.split(',').flatMap((item) => /\w+/.exec(item)?.[0] ?? []);
  return byDefault === undefined ? named : ['default', ...named];
}

/** Re-exports names of a package. They are numbered, since two specifiers may export the same name. */
function reexport(specifier: string, names: ReadonlySet<string>, index: number): string {
  const renamed = [...names].map((name) => `${name} as ${name}${index}`).join(', ');
  return `export ${names.has('*') ? `* as all${index}` : `{ ${renamed} }`} from '${specifier}';`;
}
