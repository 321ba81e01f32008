import type { SecretDocument } from '../documents/document.ts';
import { defaultPasswordPolicy, generatePassword, lengthWithout, type PasswordPolicy } from '../password.ts';

/**
 * Makes a new password for a secret. The function's configuration wins over what the rotator asks for. The password has none
 * of the characters that must be quoted or encoded in the secret's form. It is longer to make up for that, unless a length
 * is set.
 *
 * @throws PasswordImpossible
 */
export function passwordFor(
  { unsafeCharacters }: Pick<SecretDocument, 'unsafeCharacters'>,
  wanted: Partial<PasswordPolicy> = {},
  configured: Partial<PasswordPolicy> = {},
): string {
  const policy = { ...defaultPasswordPolicy, ...wanted, ...configured };
  const isLengthSet = (wanted.length ?? configured.length) !== undefined;
  const length = isLengthSet ? policy.length : lengthWithout(policy, unsafeCharacters);
  return generatePassword({ ...policy, length }, unsafeCharacters);
}
