import { streamSSE } from './library.ts';
import type { App, Routing } from './routing.ts';

const beatMs = 15_000;
const calmMs = 200;

/** Adds the stream that tells pages which secrets have changed. It ends with the session. */
export function addEventStream(app: App, { activity, watch, sessions, sessionOf }: Routing): void {
  app.get('/events', (c) =>
    streamSSE(c, async (stream) => {
      const unwatch = watch();
      const pending = new Set<string>();
      let wake: (() => void) | undefined;
      const stop = activity.on((arn) => {
        pending.add(arn);
        wake?.();
      });
      const { ended } = sessionOf(c);
      let isOpen = true;
      const close = (): void => {
        if (!isOpen) return;
        isOpen = false;
        stop();
        unwatch();
        wake?.();
      };
      stream.onAbort(close);
      ended.addEventListener('abort', close, { once: true });
      stream.onAbort(() => ended.removeEventListener('abort', close));
      await stream.writeSSE({ event: 'ready', data: '' });
      while (isOpen) {
        if (pending.size === 0) await wakened((resolve) => (wake = resolve), beatMs);
        sessions.closeIdle();
        const arns = [...pending];
        pending.clear();
        if (isOpen)
          await stream.writeSSE({
            event: arns.length === 0 ? 'beat' : 'changed',
            data: JSON.stringify(arns),
          });
        // Steps come in bursts, and a browser fetches the page for each message.
        await new Promise((resolve) => setTimeout(resolve, calmMs));
      }
    }),
  );
}

function wakened(take: (resolve: () => void) => void, mostMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, mostMs);
    take(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
