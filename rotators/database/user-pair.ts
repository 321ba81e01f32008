import { contradictoryField, optionalPair, requireText, type SecretFields } from '../../src/rotator/index.ts';

const suffix = '_clone';

/** The two users that take turns, and which of them a version of the secret is for. */
export interface UserPair {
  /** The user that the clone is made from; undefined if both users were named and neither is a clone. */
  readonly original: string | undefined;
  /** The user of this version. */
  readonly username: string;
  /** The user whose turn is next. */
  readonly alternate: string;
  /** What both names have in common. */
  readonly account: string;
}

/**
 * Reads the pair from a secret: named in `alternatingusers`, or, as with AWS's templates, a user and its clone, whose
 * name has `_clone` appended.
 *
 * @param fits whether the server accepts a name, by its length and characters
 * @throws InvalidSecretField
 */
export function parseUserPair(fields: SecretFields, fits: (name: string) => boolean): UserPair {
  const username = requireText(fields, 'username');
  const named = optionalPair(fields, 'alternatingusers');
  if (named !== undefined) {
    if (!named.includes(username))
      throw contradictoryField('alternatingusers', 'does not include the username');
    if (!named.every(fits))
      throw contradictoryField('alternatingusers', 'has a name that the server does not take');
    const alternate = username === named[0] ? named[1] : named[0];
    return { original: undefined, username, alternate, account: JSON.stringify([...named].sort()) };
  }
  const original = username.endsWith(suffix) ? username.slice(0, -suffix.length) : username;
  const clone = original + suffix;
  if (original === '' || !fits(clone))
    throw contradictoryField('username', `is no name that can be followed by ${suffix}`);
  return { original, username, alternate: username === original ? clone : original, account: original };
}
