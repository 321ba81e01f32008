import type { SecretDocument } from '../documents/document.ts';
import { defaultPasswordPolicy, generatePassword, lengthWithout, type PasswordPolicy } from '../password.ts';

/**
 * A new password for a secret: what the function's configuration says wins over what the rotator asks for. It does without the
 * characters that must be quoted or encoded in the secret's form, and is longer for that, where nobody has set a length.
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
