import { engineOf } from '../documents/engines.ts';
import type { SecretFields } from '../documents/fields.ts';
import { KeyturnError } from '../errors.ts';
import type { Rotator } from '../rotator/contract.ts';

/** The tag of a secret that names its rotator. */
export const rotatorTag = 'keyturn:rotator';

/** What the secret's tag says about its rotator. `readDocument` needs it to read the value. */
export function rotatorHints(
  rotators: readonly Rotator[],
  tags: ReadonlyMap<string, string>,
): { readonly rotatorIsNamed: boolean; readonly engines: readonly string[] | undefined } {
  const name = tags.get(rotatorTag);
  const named = rotators.find((rotator) => rotator.name === name);
  return { rotatorIsNamed: name !== undefined, engines: named?.engines };
}

/** What the choice of a rotator depends on. */
export interface Selection {
  readonly tags: ReadonlyMap<string, string>;
  readonly fields: SecretFields;
  readonly defaultRotator: string | undefined;
}

/**
 * Finds a secret's rotator: by tag, else by the secret's `engine`, else by the function's configuration. With `masterarn`,
 * the engine's rotator is the one for alternating users, as in AWS's templates.
 *
 * @throws UnknownRotator, listing the known ones
 */
export function selectRotator(
  rotators: readonly Rotator[],
  { tags, fields, defaultRotator }: Selection,
): Rotator {
  const tag = tags.get(rotatorTag);
  if (tag !== undefined) return byName(rotators, tag, `The tag ${rotatorTag}`);
  const { engine } = fields;
  if (typeof engine === 'string') {
    const withAdmin = typeof fields.masterarn === 'string';
    const found = rotators.find(
      (rotator) =>
        needsAdmin(rotator) === withAdmin &&
        rotator.engines?.some((name) => engineOf(name) === engineOf(engine)),
    );
    if (found !== undefined) return found;
  }
  if (defaultRotator !== undefined) return byName(rotators, defaultRotator, 'KEYTURN_ROTATOR');
  throw unknown(
    rotators,
    typeof engine === 'string'
      ? "The secret's engine names no rotator."
      : 'Nothing names a rotator for the secret.',
  );
}

/** Whether an admin sets or issues the rotator's new credentials. */
export function needsAdmin(rotator: Rotator): boolean {
  return (rotator.kind === 'changes' ? rotator.changedBy : rotator.issuedBy) === 'admin';
}

function byName(rotators: readonly Rotator[], name: string, source: string): Rotator {
  const found = rotators.find((rotator) => rotator.name === name);
  if (found === undefined)
    throw unknown(rotators, `${source} names a rotator that this function does not have.`);
  return found;
}

/**
 * Checks the rotator that the function's variable names. If that name is wrong, the function serves no secret at all. So a
 * tag of the secret would not help.
 *
 * @throws InvalidConfiguration
 */
export function requireDefaultRotator(rotators: readonly Rotator[], name: string): void {
  if (rotators.some((rotator) => rotator.name === name)) return;
  throw new KeyturnError(
    'InvalidConfiguration',
    'KEYTURN_ROTATOR names a rotator that this function does not have.',
    `Set it to one of: ${namesOf(rotators)}.`,
    { field: 'KEYTURN_ROTATOR' },
  );
}

function unknown(rotators: readonly Rotator[], problem: string): KeyturnError {
  return new KeyturnError(
    'UnknownRotator',
    problem,
    `Set the tag ${rotatorTag} to one of: ${namesOf(rotators)}.`,
  );
}

function namesOf(rotators: readonly Rotator[]): string {
  return rotators.map(({ name }) => name).join(', ');
}
