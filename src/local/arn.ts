import { randomInt } from 'node:crypto';
import { awsPartitions } from './protocol/api-model/partitions.ts';

const suffixLength = 6;
const suffixCharacters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** The account and the region that ARNs are made in. */
export interface Partition {
  readonly accountId: string;
  readonly region: string;
}

/** A new secret's ARN: AWS adds six random characters to the name. */
export function newSecretArn(partition: Partition, name: string): string {
  const suffix = Array.from({ length: suffixLength }, () =>
    suffixCharacters.charAt(randomInt(suffixCharacters.length)),
  );
  return secretArn(partition, `${name}-${suffix.join('')}`);
}

/** The ARN of a secret. @param name with its random characters */
export function secretArn({ accountId, region }: Partition, name: string): string {
  return `arn:${awsPartition(region)}:secretsmanager:${region}:${accountId}:secret:${name}`;
}

/** A KMS key's ARN. An ARN is returned as it is. */
export function keyArn({ accountId, region }: Partition, idOrArn: string): string {
  if (idOrArn.startsWith('arn:')) return idOrArn;
  return `arn:${awsPartition(region)}:kms:${region}:${accountId}:key/${idOrArn}`;
}

/** The account and the region in a secret's ARN. Undefined for any other text. */
export function partitionOf(secretArn: string): Partition | undefined {
  const [, region, accountId] = /^arn:[^:]+:secretsmanager:([^:]+):(\d{12}):secret:/.exec(secretArn) ?? [];
  return region === undefined || accountId === undefined ? undefined : { accountId, region };
}

/**
 * The account and the region of a secret that is stored.
 * @throws Error if the ARN is not a secret's
 */
export function homeOf(secretArn: string): Partition {
  const home = partitionOf(secretArn);
  if (!home) throw new Error('A secret needs an ARN with an account and a region');
  return home;
}

/**
 * The name in a partial ARN, which is AWS's term for a secret's ARN without the six random characters. Undefined for any other
 * text. If the name itself ends like random characters, AWS takes the ARN for a whole one and doesn't find the secret.
 * localstack's test `test_create_and_update_secret[Invalid/_+=.@-Name-a1b2c3-False]` has recorded this.
 */
export function nameInPartialArn(secretId: string): string | undefined {
  const name = /^arn:[^:]+:secretsmanager:[^:]*:[^:]*:secret:(.+)$/.exec(secretId)?.[1];
  return name === undefined || /-[A-Za-z0-9]{6}$/.test(name) ? undefined : name;
}

/** The ARN of the same secret in another region. */
export function arnInRegion(secretArn: string, region: string): string {
  return secretArn.split(':').with(3, region).join(':');
}

/** The partition of a region, such as `aws`. */
export function awsPartition(region: string): string {
  return factsOf(region).id;
}

/** How the names of AWS's hosts in a region end, such as `amazonaws.com`. */
export function dnsSuffix(region: string): string {
  return factsOf(region).dnsSuffix;
}

/** Whether AWS has a region of this name, in the same partition as another one. */
export function isRegionBeside(name: string, region: string): boolean {
  const names: readonly string[] = factsOf(region).regions;
  return names.includes(name);
}

/** The partition of a region. A region that is newer than the model is recognised by its form. */
function factsOf(region: string): (typeof awsPartitions)[number] {
  return awsPartitions.find(({ pattern }) => new RegExp(pattern).test(region)) ?? awsPartitions[0];
}

/** Whether a text is the ARN of a function, perhaps with a version or an alias at its end. */
export function isFunctionArn(text: string): boolean {
  return /^arn:aws[a-z-]*:lambda:[a-z\d-]+:\d{12}:function:[\w-]+(:(\$LATEST|[\w-]+))?$/.test(text);
}

/** A function's ARN. An ARN is returned as it is. */
export function functionArn({ accountId, region }: Partition, nameOrArn: string): string {
  if (nameOrArn.startsWith('arn:')) return nameOrArn;
  return `arn:${awsPartition(region)}:lambda:${region}:${accountId}:function:${nameOrArn}`;
}

/** The ARN without a version or an alias at its end. */
export function unqualifiedFunctionArn(arn: string): string {
  return arn.split(':').slice(0, 7).join(':');
}

/** The function's name in its ARN. */
export function functionName(arn: string): string {
  return arn.split(':')[6] ?? arn;
}
