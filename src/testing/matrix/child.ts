import { enableCompileCache } from 'node:module';
import type { Rotator } from '../../rotator/contract.ts';
import type { RotatorModule } from '../harness.ts';
import type { ChildFunction, FromChild, ToChild } from './child-protocol.ts';
import type { InjectedFault } from './faults.ts';
import type { TestFunction } from './function.ts';

// Many such processes compile the same modules. The cache only serves modules that are imported after this line.
enableCompileCache();

/** This process's function. It asks the matrix before and after each remote call, and can be killed there. */
let subject: TestFunction | undefined;
const waiting = new Map<number, (verdict: InjectedFault | undefined) => void>();

function tell(message: FromChild): void {
  process.send?.(message);
}

function wait(id: number): Promise<InjectedFault | undefined> {
  return new Promise((resolve) => waiting.set(id, resolve));
}

/** @returns the rotator's name */
async function create({ module, clientConfig, busy }: ChildFunction): Promise<string> {
  const { createTestFunction } = await import('./function.ts');
  const rotator = await makeRotator(module);
  subject = createTestFunction({
    rotator,
    clientConfig,
    busy: busy && (() => Object.assign(new Error(busy.message), { code: busy.code })),
    checkpoint: {
      before: (call) => {
        tell({ type: 'before', call });
        return wait(call.id);
      },
      after: async (call) => {
        tell({ type: 'after', call });
        await wait(call.id);
      },
    },
  });
  return rotator.name;
}

async function makeRotator({ url, settings }: RotatorModule): Promise<Rotator> {
  const { requireValidRotators } = await import('../../rotation/valid-rotators.ts');
  const { default: make }: { default?: unknown } = await import(url);
  if (typeof make !== 'function') throw new TypeError('it has no function as its default export');
  const rotator: Rotator = await make(settings);
  requireValidRotators([rotator]);
  return rotator;
}

async function invoke(event: unknown): Promise<void> {
  try {
    await subject?.invoke(event);
    tell({ type: 'invoked' });
  } catch (error) {
    tell({ type: 'invoked', error: error instanceof Error ? error.message : String(error) });
  }
}

// The matrix was killed, so nobody waits for this process.
process.on('disconnect', () => process.exit());
process.on('message', async (message: ToChild) => {
  if (message.type === 'go') {
    waiting.get(message.id)?.(message.verdict);
    return;
  }
  if (message.type === 'invoke') return invoke(message.event);
  try {
    tell({ type: 'ready', rotator: await create(message.function) });
  } catch (error) {
    tell({ type: 'unready', fault: error instanceof Error ? error.message : String(error) });
  }
});
