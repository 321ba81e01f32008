import { UpdateSecretVersionStageCommand } from '@aws-sdk/client-secrets-manager';
import type { SecretFields } from '../../../src/index.ts';
import type { RotationFixture } from '../../support/rotation-fixture.ts';

/** A rotation in the usual order: the value is stored, the target is changed, AWSCURRENT is moved. */
export interface ByHand {
  /** Changes the credential at the target. */
  readonly change: (next: SecretFields) => Promise<unknown>;
  /** What changes in the secret. */
  readonly next: SecretFields;
  /** Between the change and the move, ms. */
  readonly gapMs?: number;
  /** Is called between the change and the move. */
  readonly between?: () => Promise<unknown>;
}

/** Rotates a secret whose target has no rotator here. */
export async function rotateByHand(
  fixture: RotationFixture,
  arn: string,
  { change, next, gapMs = 50, between }: ByHand,
): Promise<void> {
  const current = await fixture.read(arn);
  const value = { ...current, ...next };
  const pending = await fixture.put(arn, value, ['AWSPENDING']);
  await change(value);
  await between?.();
  await new Promise((resolve) => setTimeout(resolve, gapMs));
  const labels = await fixture.labels(arn);
  const RemoveFromVersionId = Object.keys(labels).find((id) => labels[id]?.includes('AWSCURRENT'));
  await fixture.client.send(
    new UpdateSecretVersionStageCommand({
      SecretId: arn,
      VersionStage: 'AWSCURRENT',
      MoveToVersionId: pending,
      ...(RemoveFromVersionId === undefined ? {} : { RemoveFromVersionId }),
    }),
  );
}
