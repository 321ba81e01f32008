import { styleText } from 'node:util';
import type { LabelsEvent, LocalEvent } from '../local/index.ts';
import { withoutSteering } from './printable.ts';

/** An event as one line for people, with colours on a terminal. */
export function describeEvent(event: LocalEvent): string {
  const failed = ('error' in event && event.error !== undefined) || event.type === 'rotation-cancelled';
  // A function's error may hold characters that steer the terminal.
  const line = withoutSteering(describe(event));
  if (failed) return styleText('red', line, { stream: process.stdout });
  return event.type === 'call' ? line : styleText('cyan', line, { stream: process.stdout });
}

function describe(event: LocalEvent): string {
  switch (event.type) {
    case 'call': {
      // Quoted, so that a client's control characters don't reach the terminal.
      const secret = event.secretId === undefined ? '' : ` ${JSON.stringify(event.secretId)}`;
      return `call      ${event.operation || 'unknown'}${secret} ${event.error ?? 'ok'} ${ms(event.durationMs)}`;
    }
    case 'labels-moved':
      return `labels    ${event.secretArn} ${describeLabels(event.after)}`;
    case 'rotation-started':
      return `rotation  ${event.secretArn} ${event.token} ${event.kind} started, attempt ${event.attempt} (${event.cause})`;
    case 'step-started':
      return `step      ${event.secretArn} ${event.step} started`;
    case 'step-ended':
      return `step      ${event.secretArn} ${event.step} ${event.error ?? 'done'} ${ms(event.durationMs)}`;
    case 'rotation-succeeded':
      return `rotation  ${event.secretArn} ${event.token} succeeded ${ms(event.durationMs)}`;
    case 'rotation-failed':
      return `rotation  ${event.secretArn} ${event.token} failed${event.willRetry ? ', will be retried' : ''}: ${event.error}`;
    case 'rotation-cancelled':
      return `rotation  ${event.secretArn} ${event.token} cancelled`;
  }
}

function describeLabels(labels: LabelsEvent['after']): string {
  return Object.entries(labels)
    .map(([versionId, stages]) => `${versionId}=${stages.join('+')}`)
    .join(' ');
}

function ms(durationMs: number): string {
  return `${durationMs.toFixed(1)} ms`;
}
