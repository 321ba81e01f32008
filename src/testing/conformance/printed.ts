import { AsyncLocalStorage } from 'node:async_hooks';
import { format } from 'node:util';

type Tell = (text: string) => void;

const listeners = new AsyncLocalStorage<Tell>();
let isInstalled = false;

/** Runs something, and tells what it prints: by the console, or to stdout and stderr. It is printed all the same. */
export function tellPrinted<T>(tell: Tell, run: () => Promise<T>): Promise<T> {
  if (!isInstalled) install();
  return listeners.run(tell, run);
}

/** Replaces the members that print. Outside of {@link tellPrinted} nothing changes. */
function install(): void {
  isInstalled = true;
  // A test runner may have a console of its own, which does not write to stdout.
  for (const name of ['log', 'info', 'warn', 'error', 'debug', 'trace', 'dir', 'table'] as const) {
    const print = console[name];
    console[name] = (...args: unknown[]) => {
      listeners.getStore()?.(format(...args));
      Reflect.apply(print, console, args);
    };
  }
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write;
    stream.write = (...args: unknown[]): boolean => {
      const [chunk] = args;
      if (typeof chunk === 'string' || chunk instanceof Uint8Array)
        listeners.getStore()?.(Buffer.from(chunk).toString());
      return Reflect.apply(write, stream, args);
    };
  }
}
