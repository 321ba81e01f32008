import { type NewSecret, nameNote } from '../../create/new-secret.ts';
import { isKeyturnError, KeyturnError } from '../../errors.ts';
import type { SecretsManagementPort } from '../../secrets-manager/port.ts';
import { printable } from '../printable.ts';
import { attach } from '../rotation/attach.ts';
import type { Tools } from '../rotation/rotate.ts';
import type { CommandResult } from '../rotation/screen.ts';

/** Checks a secret before it is stored. @returns notes @throws InvalidConfiguration, FunctionUnusable */
export async function examine(
  { secrets, functions }: Pick<Tools, 'secrets' | 'functions'>,
  { name, resourcePolicy, rotation }: NewSecret,
): Promise<readonly string[]> {
  const notes = [nameNote(name)].filter((note) => note !== undefined);
  if (resourcePolicy !== undefined) notes.push(...(await validatePolicy(secrets, resourcePolicy)));
  if (rotation !== undefined) notes.push(...(await functions.look(rotation.functionArn)).notes);
  return notes;
}

/** Stores a secret. @throws SecretExists, SecretMarkedForDeletion, AccessDenied and others */
export async function store(
  { secrets, screen }: Pick<Tools, 'secrets' | 'screen'>,
  secret: NewSecret,
): Promise<{ readonly arn: string; readonly versionId: string }> {
  const stored = await secrets.create(secret);
  screen.good(`Stored: ${secret.name}`);
  screen.fact('secret', stored.arn);
  return stored;
}

/** What is still to do after a secret was stored. */
export interface Finishing {
  readonly secret: Pick<NewSecret, 'resourcePolicy' | 'rotation'>;
  readonly arn: string;
  /** How long to wait for its test, and then again for its first rotation. */
  readonly timeoutMs: number;
}

/** Puts the policy and turns rotation on. The secret is stored already, so an error becomes a part of the result. */
export async function finish(
  tools: Tools,
  { secret: { resourcePolicy, rotation }, arn, timeoutMs }: Finishing,
): Promise<CommandResult> {
  const { screen } = tools;
  try {
    if (resourcePolicy !== undefined) {
      await tools.secrets.putPolicy(arn, resourcePolicy);
      screen.good('Its resource policy is set.');
    }
    if (rotation === undefined) return { ok: true, document: {} };
    const attached = await attach(tools, { secret: arn, ...rotation, timeoutMs });
    return { ok: attached.ok, document: { rotation: attached.document } };
  } catch (error) {
    if (!isKeyturnError(error)) throw error;
    screen.bad(`The secret is stored, and the rest is not done. ${error.code}: ${printable(error.message)}`);
    return { ok: false, document: { error: { code: error.code, message: error.message } } };
  }
}

/**
 * Has AWS validate a resource policy before it is put.
 *
 * @returns AWS's remarks, or a note if ValidateResourcePolicy is not allowed
 * @throws InvalidConfiguration if the policy is refused
 */
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
      'The resource policy could not be validated first: secretsmanager:ValidateResourcePolicy is not allowed.',
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
