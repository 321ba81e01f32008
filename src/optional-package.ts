import { KeyturnError } from './errors.ts';

/**
 * What an `import()` of an optional package is to catch, so that whoever lacks the package is told how to get it:
 * `import('pg').catch(missing('pg'))`. Put it right behind the import: then a bundler whose project lacks the package
 * leaves the import as it is, instead of failing.
 *
 * @param name the package's name in the registry
 * @returns throws DriverMissing where that package is not installed, and whatever else went wrong as it is
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

/** A package can also fail since one of its own dependencies is missing. */
function isAbout(name: string, error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false;
  const { code, message } = error;
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') return false;
  return message.includes(`'${name}'`) || message.includes(`'${name}/`);
}
