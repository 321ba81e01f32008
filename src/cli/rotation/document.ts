import { createRotators } from '../../../rotators/index.ts';
import type { Configuration } from '../../configuration.ts';
import { readDocument } from '../../documents/document.ts';
import { readHints } from '../../documents/hints.ts';
import { isKeyturnError, KeyturnError } from '../../errors.ts';
import { rotatorHints, selectRotator } from '../../rotation/select.ts';
import { addressOf } from '../../rotation/targets.ts';
import type { Rotator } from '../../rotator/contract.ts';
import type { Secret, SecretsManagementPort } from '../../secrets-manager/port.ts';
import { versionWith } from '../../secrets-manager/staging-labels.ts';

/** The rotators of the function that Keyturn deploys; only their pure parts are used here. */
const rotators = createRotators();

/** What the current value of a secret says, without its credential. */
export interface DocumentFacts {
  readonly versionId: string;
  readonly form: string;
  /** Undefined if none of the rotators that come with Keyturn serves the secret. */
  readonly served:
    | {
        readonly rotator: string;
        readonly account: string;
        readonly host: string;
        /** Host and port. */
        readonly place: string;
      }
    | undefined;
}

/**
 * Reads a secret's current value as the function will.
 *
 * @throws SecretHasNoValue, SecretIsBinary, MalformedSecret, InvalidSecretField, InvalidConfiguration
 */
export async function lookAtDocument(
  api: SecretsManagementPort,
  { arn, name, stages, tags }: Secret,
  configuration: Configuration,
): Promise<DocumentFacts> {
  const versionId = versionWith(stages, 'AWSCURRENT');
  if (versionId === undefined) throw noValue(name);
  const { text } = await api.read(arn, { id: versionId });
  const hints = { ...readHints(tags, configuration), ...rotatorHints(rotators, tags) };
  const { form, fields, refusal } = readDocument(text, hints);
  if (refusal !== undefined) throw refusal;
  const { defaultRotator } = configuration;
  const rotator = findRotator(() => selectRotator(rotators, { tags, fields, defaultRotator }));
  if (rotator === undefined) return { versionId, form, served: undefined };
  const target = rotator.target(rotator.parse(fields));
  return {
    versionId,
    form,
    served: {
      rotator: rotator.name,
      account: target.account,
      host: target.host,
      place: addressOf(target),
    },
  };
}

/** A function may have rotators of its own, so an unknown rotator is not an error here. */
function findRotator(select: () => Rotator): Rotator | undefined {
  try {
    return select();
  } catch (error) {
    if (isKeyturnError(error, 'UnknownRotator')) return undefined;
    throw error;
  }
}

function noValue(name: string): KeyturnError {
  return new KeyturnError(
    'SecretHasNoValue',
    `Secret ${name} has no current value.`,
    'Store the credential that works today, then attach.',
  );
}
