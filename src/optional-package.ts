import { KeyturnError } from './errors.ts';

/**
 * Makes the `catch` for an `import()` of an optional package: `import('pg').catch(missing('pg'))`. Its error says how to
 * install the package. Put it right behind the import: then a bundler that can't find the package leaves the import out
 * instead of failing.
 *
 * @param name the package's name in the registry
 * @returns a function that throws DriverMissing if that package is not installed, and any other error as it is
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
  if (!(error instanceof Error) || !('code' in error)) return false;
  const { code, message } = error;
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') return false;
  return message.includes(`'${name}'`) || message.includes(`'${name}/`);
}
