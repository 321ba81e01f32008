import type { Secret } from './model.ts';
import { versionEvent } from './service-events.ts';
import type { UnitOfWork } from './unit-of-work.ts';

const keptVersions = 100;
const keptForMs = 24 * 3_600_000;

/**
 * Removes the oldest versions without labels while a secret has more than 100 versions. Versions younger than 24 hours
 * stay.
 * @returns the secret, with the time at which the next version will be old enough
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html
 */
export function withoutDeprecated(unit: UnitOfWork, secret: Secret): Secret {
  // No version is old enough before that. So a secret that is written often is not searched at each write.
  if (secret.cleanUpAt !== undefined && secret.cleanUpAt > unit.now) return secret;
  const versions = unit.store.versions(secret.arn);
  const labelled = new Set(Object.values(secret.labels));
  const superfluous = versions
    .filter(({ id }) => !labelled.has(id))
    .slice(0, Math.max(0, versions.length - keptVersions));
  const tooYoung = superfluous.find(({ createdAt }) => createdAt + keptForMs > unit.now);
  for (const { id } of superfluous.slice(0, tooYoung && superfluous.indexOf(tooYoung))) {
    unit.store.removeVersion(secret.arn, id);
    unit.tell(
      versionEvent('SecretVersionDeletion', { timeMs: unit.now, secretArn: secret.arn, versionId: id }),
    );
  }
  return { ...secret, cleanUpAt: tooYoung && tooYoung.createdAt + keptForMs };
}
