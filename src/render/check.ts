import { isKeyturnError, type KeyturnError } from '../errors.ts';
import type { WantedVersion } from '../secrets-manager/port.ts';
import type { PlacedReference } from './parse.ts';

/** A secret that may be read. */
export interface Readable {
  /** What could not be proved, in sentences. */
  readonly notes: readonly string[];
}

/** Checks whether secrets may be read, without getting their values. */
export interface ReadabilityCheck {
  /** @throws SecretNotFound, SecretHasNoValue, SecretMarkedForDeletion, AccessDenied and others */
  check(secret: string, version: WantedVersion): Promise<Readable>;
}

/** The result of a reference's check. */
export interface CheckedReference extends PlacedReference {
  /** Undefined: it may be read. `byDefault`: it does not exist, and has a default. */
  readonly problem: KeyturnError | 'byDefault' | undefined;
  readonly notes: readonly string[];
}

/** Checks references, each secret and version once. */
export async function checkReferences(
  references: readonly PlacedReference[],
  source: ReadabilityCheck,
): Promise<CheckedReference[]> {
  const checks = new Map<string, Promise<Readable>>();
  return Promise.all(
    references.map(async (placed) => {
      const { secret, version, byDefault } = placed.reference;
      const key = JSON.stringify([secret, version]);
      const checking = checks.get(key) ?? source.check(secret, version);
      checks.set(key, checking);
      try {
        return { ...placed, problem: undefined, notes: (await checking).notes };
      } catch (error) {
        if (!isKeyturnError(error)) throw error;
        const isAbsent = isKeyturnError(error, 'SecretNotFound', 'SecretHasNoValue');
        const problem = isAbsent && byDefault !== undefined ? 'byDefault' : error;
        return { ...placed, problem, notes: [] };
      }
    }),
  );
}
