import { onTestFinished } from 'vitest';
import type { LocalEvent, LocalFunction } from '../../src/local/index.ts';
import { functionArn, type Harness, plainRotation, start, token } from './harness.ts';

/** A server with the secret `n`, whose version is token('one'), and a short way to rotate it. */
export async function startWithSecret(options: Parameters<typeof start>[0] = {}) {
  const harness = await start(options);
  await harness.client.createSecret({ Name: 'n', SecretString: 'v', ClientRequestToken: token('one') });
  const rotate = (ClientRequestToken = token('two'), more = {}) =>
    harness.client.rotateSecret({
      SecretId: 'n',
      RotationLambdaARN: functionArn('rotator'),
      ClientRequestToken,
      ...more,
    });
  return { ...harness, rotate };
}

/** What happened to rotations, one line for each event. */
export function storyOf(events: readonly LocalEvent[]): string[] {
  return events.flatMap((event) => {
    if (event.type === 'call' || event.type === 'labels-moved') return [];
    const detail = 'step' in event ? ` ${event.step}` : '';
    return [event.type + detail + ('error' in event && event.error ? ' failed' : '')];
  });
}

/** A function that waits in a step until it is let go. */
export function gate() {
  const entered = Promise.withResolvers<void>();
  const open = Promise.withResolvers<void>();
  onTestFinished(() => open.resolve());
  const pass = async () => {
    entered.resolve();
    await open.promise;
  };
  return { entered: entered.promise, open: open.resolve, pass };
}

/** Answers as the plain rotation does, but fails at the given calls, counted from 1. */
export function failingAt(client: Harness['client'], ...failures: number[]): LocalFunction {
  const rotation = plainRotation(client);
  let calls = 0;
  return async (event, context) => {
    calls += 1;
    if (failures.includes(calls)) throw new TypeError(`call ${calls} fails`);
    await rotation(event, context);
  };
}
