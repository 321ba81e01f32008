import { isKeyturnError, KeyturnError } from '../../errors.ts';
import type { SecretsManagementPort } from '../../secrets-manager/port.ts';

/** What is wrong with a resource policy, before it is put; a note where that may not be asked. @throws InvalidConfiguration */
export async function validatePolicy(
  secretsManager: SecretsManagementPort,
  policy: string,
): Promise<readonly string[]> {
  try {
    const { passed, problems } = await secretsManager.validatePolicy(policy);
    if (passed) return problems;
    throw refused(problems);
  } catch (error) {
    if (!isKeyturnError(error, 'AccessDenied')) throw error;
    return [
      'The resource policy could not be validated before: secretsmanager:ValidateResourcePolicy is not allowed.',
    ];
  }
}

function refused(problems: readonly string[]): KeyturnError {
  return new KeyturnError(
    'InvalidConfiguration',
    `The resource policy is refused: ${problems.join(' ')}`,
    'Correct it.',
  );
}
