import { isKeyturnError } from '../errors.ts';
import type { Run } from './run.ts';
import { versionWith } from './stages.ts';

/**
 * Moves AWSCURRENT to the rotation's version, or finds it moved. DescribeSecret may have answered with a state of
 * a moment ago, or somebody may have moved the label since: then it is asked again, once.
 *
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecretVersionStage.html
 */
export async function promote(run: Run): Promise<void> {
  const { arn, stages } = run.secret;
  const { token } = run.event;
  const move = (from: string | undefined): Promise<void> =>
    run.secretsManager.moveLabel(arn, 'AWSCURRENT', { from, to: token });
  const holder = versionWith(stages, 'AWSCURRENT');
  try {
    await move(holder);
  } catch (error) {
    if (!isKeyturnError(error, 'SecretsManagerFailed')) throw error;
    const now = versionWith((await run.secretsManager.describe(arn)).stages, 'AWSCURRENT');
    if (now === token) return;
    if (now === holder) throw error;
    await move(now);
  }
}
