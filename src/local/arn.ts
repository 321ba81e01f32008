import { randomInt } from 'node:crypto';

const SUFFIX_LENGTH = 6;
const SUFFIX_CHARACTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** The account and the region that ARNs are made in. */
export interface Partition {
  readonly accountId: string;
  readonly region: string;
}

/** A new secret's ARN: AWS adds six random characters to the name. */
export function newSecretArn({ accountId, region }: Partition, name: string): string {
  const suffix = Array.from({ length: SUFFIX_LENGTH }, () =>
    SUFFIX_CHARACTERS.charAt(randomInt(SUFFIX_CHARACTERS.length)),
  );
  return `arn:aws:secretsmanager:${region}:${accountId}:secret:${name}-${suffix.join('')}`;
}

/**
 * The name in a secret's ARN without its six random characters (AWS calls it a partial ARN); undefined for anything
 * else.
 */
export function nameInPartialArn(secretId: string): string | undefined {
  return /^arn:[^:]+:secretsmanager:[^:]*:[^:]*:secret:(.+)$/.exec(secretId)?.[1];
}

/** A function's ARN: as it is, or made of its name. */
export function functionArn({ accountId, region }: Partition, nameOrArn: string): string {
  if (nameOrArn.startsWith('arn:')) return nameOrArn;
  return `arn:aws:lambda:${region}:${accountId}:function:${nameOrArn}`;
}

/** The ARN without a version or an alias at its end. */
export function unqualifiedFunctionArn(arn: string): string {
  return arn.split(':').slice(0, 7).join(':');
}

/** The function's name in its ARN. */
export function functionName(arn: string): string {
  return arn.split(':')[6] ?? arn;
}
