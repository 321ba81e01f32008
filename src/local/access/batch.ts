import { ServiceError } from '../errors.ts';
import { memberOf } from './body.ts';

/** Moves the secrets that the caller may not read from a batch's values to its errors. */
export async function withoutRefused(
  answer: object | undefined,
  check: (secretId: string) => Promise<void>,
): Promise<object> {
  const values: unknown[] = [];
  const errors: unknown[] = [];
  const sort = async (item: unknown, idMember: string, accepted: unknown[]) => {
    const SecretId = stringOrEmpty(memberOf(item, idMember));
    try {
      await check(SecretId);
      accepted.push(item);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      errors.push({ SecretId, ErrorCode: error.type, Message: error.message });
    }
  };
  for (const value of listIn(answer, 'SecretValues')) await sort(value, 'ARN', values);
  for (const error of listIn(answer, 'Errors')) await sort(error, 'SecretId', errors);
  return { ...answer, SecretValues: values, Errors: errors };
}

function listIn(answer: object | undefined, member: string): readonly unknown[] {
  const list = memberOf(answer, member);
  return Array.isArray(list) ? list : [];
}

function stringOrEmpty(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
