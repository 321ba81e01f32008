import type { SecretEventListener } from './events.ts';

/** The part of Powertools' Metrics that is used. */
export interface MetricsWriter {
  addMetric(name: string, unit: 'Count' | 'Milliseconds', value: number): unknown;
}

/**
 * Writes what a client tells as metrics, for `onEvent`: `SecretRead`, `SecretReadFailed`, `SecretRefreshed`,
 * `CredentialRefused`, `RotationBridged` and `RefusalStayed` count, `SecretReadDuration` and `RotationBridgeDuration`
 * are in ms. Where `RotationBridged` grows and `RefusalStayed` doesn't, rotations are survived.
 *
 * @param metrics Powertools' Metrics, or whatever has its `addMetric`
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
    // That there is no AWSPENDING, or none that may be read, is no failure.
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
