import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { KeyturnError } from '../../errors.ts';

/**
 * Requires that the profile of an option or of AWS_PROFILE exists, as the AWS CLI does. Without this check, the SDK would
 * go on, and find no credentials or other ones.
 *
 * @param given the profile of an option, which wins over AWS_PROFILE
 * @throws InvalidConfiguration
 * @see https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
 */
export function requireProfile(environment: NodeJS.ProcessEnv, given?: string): void {
  const name = given ?? environment.AWS_PROFILE;
  if (!name) return;
  const config = environment.AWS_CONFIG_FILE || join(homedir(), '.aws', 'config');
  const credentials = environment.AWS_SHARED_CREDENTIALS_FILE || join(homedir(), '.aws', 'credentials');
  const known = new Set([...profilesIn(config), ...profilesIn(credentials)]);
  if (known.has(name)) return;
  const field = given === undefined ? 'AWS_PROFILE' : '--profile';
  const remedy =
    known.size === 0 ? 'Make one with aws configure' : `Set it to one of: ${[...known].join(', ')}`;
  throw new KeyturnError(
    'InvalidConfiguration',
    `${field} names the profile '${name}', which is neither in ${config} nor in ${credentials}.`,
    given === undefined ? `${remedy}; or unset it.` : `${remedy}.`,
    { field },
  );
}

/** The names of the profiles in a file. A file that can't be read has none, as for the SDK. */
function profilesIn(file: string): string[] {
  try {
    const headers = readFileSync(file, 'utf8').matchAll(
      /^\s*\[\s*(?:profile\s+)?["']?([^\]"']+?)["']?\s*\]/gm,
    );
    return [...headers].flatMap(([, name = '']) => (/^(sso-session|services)\s/.test(name) ? [] : [name]));
  } catch {
    return [];
  }
}
