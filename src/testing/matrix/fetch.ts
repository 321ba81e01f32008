import { AsyncLocalStorage } from 'node:async_hooks';
import { brokenConnection, type Checkpoint } from './faults.ts';
import { type Lifetime, passCheckpoint } from './pass.ts';

interface Interception {
  readonly checkpoint: Checkpoint;
  readonly lifetime: Lifetime;
}

const interceptions = new AsyncLocalStorage<Interception>();
let installed = false;

/** Runs a handler so that each of its `fetch` calls passes the checkpoint. */
export function interceptFetch<T>(interception: Interception, run: () => Promise<T>): Promise<T> {
  if (!installed) install();
  return interceptions.run(interception, run);
}

/** Exempts the checkpoint's own calls of the target. They are not calls of the function. */
export function withOwnFetch(checkpoint: Checkpoint): Checkpoint {
  return {
    before: (call) => interceptions.exit(() => checkpoint.before(call)),
    after: (call) => interceptions.exit(() => checkpoint.after(call)),
  };
}

/** Replaces the global fetch. Outside an interception nothing changes. */
function install(): void {
  installed = true;
  const real = globalThis.fetch;
  globalThis.fetch = (...args) => {
    const interception = interceptions.getStore();
    return interception === undefined ? real(...args) : pass(interception, () => real(...args), args);
  };
}

function pass(
  { checkpoint, lifetime }: Interception,
  perform: () => Promise<Response>,
  args: Parameters<typeof fetch>,
): Promise<Response> {
  const { method, url } = new Request(...args);
  const name = `${method} ${new URL(url).pathname}`;
  return passCheckpoint(
    checkpoint,
    lifetime,
    { to: 'target', name },
    {
      perform,
      lose: async () => {
        await perform();
        throw new TypeError('fetch failed', { cause: brokenConnection() });
      },
      throttle: async () => new Response(null, { status: 429, headers: { 'retry-after': '0' } }),
      refuse: async () => new Response(null, { status: 401 }),
    },
  );
}
