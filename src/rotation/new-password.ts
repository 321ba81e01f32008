import type { SecretDocument } from '../documents/document.ts';
import { defaultPasswordPolicy, generatePassword, type PasswordPolicy } from '../password.ts';

/**
 * A new password for a secret: what the function's configuration says wins over what the rotator asks for, and what
 * known readers of the secret's form get wrong is left out.
 *
 * @throws PasswordImpossible
 */
export function passwordFor(
  { unsafeCharacters }: SecretDocument,
  wanted: Partial<PasswordPolicy> = {},
  configured: Partial<PasswordPolicy> = {},
): string {
  const policy = { ...defaultPasswordPolicy, ...wanted, ...configured };
  return generatePassword({ ...policy, excludeCharacters: policy.excludeCharacters + unsafeCharacters });
}
