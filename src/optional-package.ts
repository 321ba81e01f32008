import { existsSync } from 'node:fs';
// Not by name: the banner of a bundle declares createRequire (docs/own-function.md).
import * as nodeModule from 'node:module';
import { join } from 'node:path';
import { KeyturnError } from './errors.ts';

/**
 * Handles a failed `import()` of an optional package. Its error says how to install the package. Write the import into a
 * `try`:
 *
 *     try {
 *       return await import('pg');
 *     } catch (error) {
 *       return missing('pg')(error);
 *     }
 *
 * Then a bundler that can't find the package leaves the import out instead of failing. `await` must stand right before
 * `import`. esbuild also understands `import('pg').catch(missing('pg'))`. webpack and Rspack do not.
 *
 * @param name the package's name in the registry
 * @returns a function that throws DriverMissing if that package is not installed, and any other error as it is
 * @see https://github.com/webpack/webpack/pull/18076
 */
export function missing(name: string): (error: unknown) => never {
  return (error) => {
    throw isAbout(name, error)
      ? new KeyturnError(
          'DriverMissing',
          `This needs the npm package ${name}, which is not installed.`,
          `Install it (npm install ${name}). A function that is bundled has to be bundled again.`,
          { cause: error },
        )
      : error;
  };
}

/** Whether this package is missing, and not one of its dependencies. */
function isAbout(name: string, error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? error.code : undefined;
  const beginnings = beginningsByCode.get(code) ?? [];
  return beginnings.some((beginning) => {
    const [, rest] = error.message.split(`${beginning}${name}`);
    return rest !== undefined && /^['"/\s]/.test(rest);
  });
}

/** What stands before a package's name in messages of Node.js and bundlers, and of Yarn's Plug'n'Play. */
const notFound: readonly string[] = ["'", 'Required package: '];

/** Vite puts an error without a code into the bundle. */
const beginningsByCode: ReadonlyMap<unknown, readonly string[]> = new Map([
  ['ERR_MODULE_NOT_FOUND', notFound],
  ['MODULE_NOT_FOUND', notFound],
  [undefined, ['Could not resolve "']],
]);

/** Packages that were looked at. A login asks each time, and reading files would delay it. */
const suitable = new Set<string>();

/**
 * Makes sure that an optional package has a version that Keyturn works with. npm does so too, but other package managers
 * only warn, and an old driver then fails in ways that nobody understands. Where there is no version to compare, the
 * package is taken as it is: in a bundle, for another package that is installed under this name (an alias such as
 * `npm:name@version`), and for a checkout.
 *
 * @param name a package of Keyturn's peerDependencies
 * @throws DriverMissing for another version
 */
export function requireSuitable(name: string): void {
  if (suitable.has(name)) return;
  const wanted = read('keyturn').peerDependencies?.[name];
  const installed = read(name);
  if (wanted === undefined || isSuitable(name, installed, wanted)) {
    suitable.add(name);
    return;
  }
  throw new KeyturnError(
    'DriverMissing',
    `This needs the npm package ${name} in a version ${wanted}, and ${installed.version} is installed.`,
    `Install it (npm install ${name}@"${wanted}").`,
  );
}

/** Whether what is installed under a package's name is in a range, or has no version to compare. */
export function isSuitable(name: string, installed: Manifest, range: string): boolean {
  const { name: ownName, version } = installed;
  if (version === undefined || ownName !== name) return true;
  // A checkout of a package that gets its version when it is released, such as tedious's 0.0.0-dev.
  return /^0\.0\.0(?:-|$)/.test(version) || fits(version, range);
}

interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** The package.json of an installed package; empty if it can't be read. Not every package exports it. */
function read(name: string): Manifest {
  try {
    const require = nodeModule.createRequire(import.meta.url);
    if (name === 'keyturn') return require('keyturn/package.json');
    const files = require.resolve.paths(name)?.map((folder) => join(folder, name, 'package.json'));
    const file = files?.find((path) => existsSync(path));
    // Yarn's Plug'n'Play has no folders to look at.
    return require(file ?? `${name}/package.json`);
  } catch {
    return {};
  }
}

/** Whether a version is in a range such as ^8.23.1 or >=3.1. */
export function fits(version: string, range: string): boolean {
  const numbers = (text: string): number[] => (text.match(/\d+/g) ?? []).slice(0, 3).map(Number);
  const [have, least] = [numbers(version), numbers(range)];
  if (range.startsWith('^') && have[0] !== least[0]) return false;
  const index = least.findIndex((number, at) => number !== (have[at] ?? 0));
  return index < 0 || (have[index] ?? 0) > (least[index] ?? 0);
}
