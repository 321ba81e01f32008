/**
 * Values of versions, kept between the invocations of one rotation in a warm function. It can't be stale: AWS
 * never lets the value of a version change once it is set (PutSecretValue with other content answers
 * ResourceExistsException), and a recreated secret has another ARN. It saves the calls that read again, in
 * setSecret and testSecret, what createSecret has just read and written.
 *
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html
 */
export interface VersionCache {
  get(arn: string, versionId: string): string | undefined;
  set(arn: string, versionId: string, text: string): void;
  /** Forgets a secret's values: when its rotation ends. */
  forget(arn: string): void;
}

/** @param capacity most secrets whose values are kept; the one longest untouched goes first */
export function createVersionCache(capacity: number): VersionCache {
  const secrets = new Map<string, Map<string, string>>();
  return {
    get: (arn, versionId) => secrets.get(arn)?.get(versionId),
    set: (arn, versionId, text) => {
      const versions = secrets.get(arn) ?? new Map<string, string>();
      secrets.delete(arn);
      secrets.set(arn, versions.set(versionId, text));
      for (const oldest of secrets.keys()) {
        if (secrets.size <= capacity) break;
        secrets.delete(oldest);
      }
    },
    forget: (arn) => {
      secrets.delete(arn);
    },
  };
}
