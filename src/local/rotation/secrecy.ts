import { createRedactor } from '../../redact.ts';
import type { State } from '../state.ts';

/**
 * Masks the values of a secret in the error of its rotation function. Nobody knows what the function puts into an error, and
 * events are printed and kept.
 *
 * @param rotationToken is masked too, because it is a proof to PutSecretValue
 */
export function maskFunctionError(
  error: string,
  { state, secretArn, rotationToken }: { state: State; secretArn: string; rotationToken: string },
): string {
  const redactor = createRedactor();
  redactor.publish(secretArn);
  redactor.learnValue(rotationToken);
  const values = state.read((store) =>
    store.versions(secretArn).map(({ id }) => store.readValue(secretArn, id)),
  );
  for (const value of values) {
    if (value?.kind === 'string') redactor.learnSecret(value.text);
    else if (value !== undefined) redactor.learnValue(value.bytes.toString('latin1'));
  }
  return redactor.text(error);
}
