import type { SecretEventListener } from './events.ts';

/** The part of Powertools' Metrics that is used. */
export interface MetricsWriter {
  /** Adds one value of a metric. */
  addMetric(name: string, unit: 'Count' | 'Milliseconds', value: number): unknown;
}

/**
 * Makes a listener for `onEvent` that writes metrics.
 *
 * - Counts: `SecretRead`, `SecretReadFailed`, `SecretRefreshed`, `CredentialRefused`, `RotationBridged`, `RefusalStayed`
 * - Milliseconds: `SecretReadDuration`, `RotationBridgeDuration`
 *
 * If `RotationBridged` grows and `RefusalStayed` doesn't, the application gets through rotations.
 *
 * @param metrics Powertools' Metrics, or any object with its `addMetric`
 * @see https://docs.aws.amazon.com/powertools/typescript/latest/features/metrics/
 */
export function metricsListener(metrics: MetricsWriter): SecretEventListener {
  const count = (name: string): unknown => metrics.addMetric(name, 'Count', 1);
  const duration = (name: string, ms: number): unknown => metrics.addMetric(name, 'Milliseconds', ms);
  return (event) => {
    if (event.type === 'read') {
      count('SecretRead');
      duration('SecretReadDuration', event.durationMs);
    }
    // A missing AWSPENDING, or one that may not be read, is no failure.
    if (event.type === 'read-failed' && event.stage === 'AWSCURRENT') count('SecretReadFailed');
    if (event.type === 'refreshed') count('SecretRefreshed');
    if (event.type === 'refused') count('CredentialRefused');
    if (event.type === 'refusal-stayed') count('RefusalStayed');
    if (event.type === 'bridged') {
      count('RotationBridged');
      duration('RotationBridgeDuration', event.durationMs);
    }
  };
}
