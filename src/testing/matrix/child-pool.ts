import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { RotatorHarness } from '../harness.ts';
import { harnessFault } from '../valid-harness.ts';
import type { ChildFunction, FromChild, ToChild } from './child-protocol.ts';
import { type Checkpoint, Crash } from './faults.ts';
import type { TestFunction, TestFunctionParts } from './function.ts';

/** Processes for functions. A process that was not killed is used again. */
export interface ChildPool {
  start(parts: Pick<TestFunctionParts, 'clientConfig' | 'checkpoint'>): Promise<TestFunction>;
  /** Has a process make the rotator. @throws InvalidConfiguration if its module makes another rotator, or none */
  check(): Promise<void>;
  close(): Promise<void>;
}

/** Makes a pool. Undefined if the harness names no module. */
export function startChildPool({ rotator, module, busy }: RotatorHarness): ChildPool | undefined {
  if (module === undefined) return undefined;
  const idle: ChildProcess[] = [];
  const make = async (child: ChildProcess, clientConfig: ChildFunction['clientConfig']): Promise<void> => {
    const error = busy?.();
    const created: ChildFunction = {
      module,
      clientConfig,
      busy: error && { message: error.message, code: Reflect.get(error, 'code') },
    };
    const { rotator: made } = await ask(child, { type: 'create', function: created }, 'ready');
    if (made === rotator.name) return;
    await kill(child);
    throw harnessFault('module', `makes the rotator ${made}, and the harness has ${rotator.name}`);
  };
  return {
    start: async ({ clientConfig, checkpoint }) => {
      const child = idle.pop() ?? spawn();
      await make(child, clientConfig);
      return childFunction(child, checkpoint, () => idle.push(child));
    },
    check: async () => {
      const child = spawn();
      // It makes no call.
      await make(child, { region: 'us-east-1' }).catch(async (error: unknown) => {
        if (!(error instanceof Crash)) throw error;
        const code = child.exitCode ?? child.signalCode;
        throw harnessFault('module', `ends the process that imports it (${code})`, error);
      });
      idle.push(child);
    },
    close: async () => {
      await Promise.all(idle.map(kill));
    },
  };
}

function spawn(): ChildProcess {
  const file = import.meta.url.endsWith('.ts') ? './child.ts' : './child.js';
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  child.setMaxListeners(0);
  return child;
}

/** Its channel may still be open for a moment after its end. */
function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

async function kill(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

function tell(child: ChildProcess, message: ToChild): void {
  // A killed process gets no message. Its callers see its exit.
  if (child.connected) child.send(message, () => undefined);
}

/** Sends a message and waits for an answer of this type. @throws Crash if the process ends before */
function ask<Type extends FromChild['type']>(
  child: ChildProcess,
  message: ToChild,
  type: Type,
): Promise<Extract<FromChild, { type: Type }>> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      child.off('message', hear);
      child.off('exit', exited);
    };
    const hear = (answer: FromChild): void => {
      if (answer.type === 'unready') {
        end();
        void kill(child);
        reject(
          harnessFault('module', `makes no rotator in another process: ${answer.fault.replace(/\.$/, '')}`),
        );
      }
      if (!isOfType(answer, type)) return;
      end();
      resolve(answer);
    };
    const exited = (): void => {
      end();
      reject(new Crash());
    };
    if (hasEnded(child)) return exited();
    child.on('message', hear);
    child.on('exit', exited);
    tell(child, message);
  });
}

function isOfType<Type extends FromChild['type']>(
  message: FromChild,
  type: Type,
): message is Extract<FromChild, { type: Type }> {
  return message.type === type;
}

function childFunction(child: ChildProcess, checkpoint: Checkpoint, release: () => void): TestFunction {
  const pass = async (message: FromChild): Promise<void> => {
    if (message.type !== 'before' && message.type !== 'after') return;
    const { type, call } = message;
    const verdict = (await checkpoint[type](call)) ?? undefined;
    tell(child, { type: 'go', id: call.id, verdict });
  };
  const hear = (message: FromChild): void => {
    // The checkpoint throws to end the process, or because a promise was broken. Either way it must stop.
    pass(message).catch(() => kill(child));
  };
  child.on('message', hear);
  return {
    invoke: async (event) => {
      const { error } = await ask(child, { type: 'invoke', event }, 'invoked');
      if (error !== undefined) throw new Error(error);
    },
    kill: () => kill(child),
    end: async () => {
      child.off('message', hear);
      if (child.connected && !hasEnded(child)) release();
    },
  };
}
