/**
 * What a warm function remembers of a secret's rotation, from createSecret to finishSecret. It saves reads in setSecret
 * and testSecret.
 *
 * A remembered value can't be stale. AWS never lets a version's value change once it is set (PutSecretValue with other
 * content answers ResourceExistsException), and a recreated secret has another ARN.
 *
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html
 */
export interface RotationMemory {
  value(arn: string, versionId: string): string | undefined;
  rememberValue(arn: string, versionId: string, text: string): void;
  /** The version that was AWSCURRENT when createSecret made the pending version. */
  basedOn(arn: string, token: string): string | undefined;
  rememberBase(arn: string, token: string, currentId: string): void;
  /** Whether this function has seen the target accept the rotation's version. */
  isProven(arn: string, token: string): boolean;
  rememberProof(arn: string, token: string): void;
  /** Forgets everything about a secret. */
  forget(arn: string): void;
}

interface Remembered {
  readonly values: Map<string, string>;
  readonly bases: Map<string, string>;
  readonly proven: Set<string>;
}

/**
 * Makes an empty memory.
 *
 * @param capacity how many secrets it remembers; the least recently written one is dropped first
 */
export function createRotationMemory(capacity: number): RotationMemory {
  const secrets = new Map<string, Remembered>();
  const touch = (arn: string): Remembered => {
    const remembered = secrets.get(arn) ?? { values: new Map(), bases: new Map(), proven: new Set() };
    secrets.delete(arn);
    secrets.set(arn, remembered);
    for (const oldest of secrets.keys()) {
      if (secrets.size <= capacity) break;
      secrets.delete(oldest);
    }
    return remembered;
  };
  return {
    value: (arn, versionId) => secrets.get(arn)?.values.get(versionId),
    rememberValue: (arn, versionId, text) => {
      touch(arn).values.set(versionId, text);
    },
    basedOn: (arn, token) => secrets.get(arn)?.bases.get(token),
    rememberBase: (arn, token, currentId) => {
      touch(arn).bases.set(token, currentId);
    },
    isProven: (arn, token) => secrets.get(arn)?.proven.has(token) === true,
    rememberProof: (arn, token) => {
      touch(arn).proven.add(token);
    },
    forget: (arn) => {
      secrets.delete(arn);
    },
  };
}
