import type { Secret } from './model.ts';
import { type VersionEventName, versionEvent } from './service-events.ts';
import type { UnitOfWork } from './unit-of-work.ts';

/** Removes a secret with all its versions. */
export function removeForGood(unit: UnitOfWork, secret: Secret): void {
  tellOfVersions(unit, secret, 'EndSecretVersionDelete');
  unit.store.removeSecret(secret.arn);
}

/** Emits an event for each version of a secret. */
export function tellOfVersions(unit: UnitOfWork, { arn }: Secret, name: VersionEventName): void {
  for (const { id } of unit.store.versions(arn)) {
    unit.tell(versionEvent(name, { timeMs: unit.now, secretArn: arn, versionId: id }));
  }
}
