import { median } from '../support/table.ts';
import { shutOutDuring } from './application.ts';
import type { Contender, Strategy } from './contenders.ts';
import type { FunctionProcess } from './function-process.ts';
import { type Servers, startNetwork } from './servers.ts';
import { createSubject, type Subject } from './subject.ts';

/** A contender's figures in one case. Times in ms, and medians if several rotations were measured. */
export interface Figures {
  readonly secretsManagerCalls: number;
  readonly logins: number;
  readonly refusedLogins: number;
  /** From a process's start to the end of its first rotation's four steps. */
  readonly firstRotationMs: number;
  /** From a process's start to its end, with one rotation. */
  readonly wholeProcessMs: number;
  /** The four steps, in a process that has rotated before. */
  readonly warmRotationMs: number;
  /** For how long an application was shut out that logs in with AWSCURRENT all the time. */
  readonly gapMs: number;
  /** The longest such time of all rotations. */
  readonly longestGapMs: number;
  /** Peak memory of a process with one rotation; absent if the system does not tell. */
  readonly peakMemoryMiB?: number;
}

export interface Case {
  readonly strategy: Strategy;
  /** The latency that was added to each round trip. */
  readonly addedLatencyMs: number;
  /** Whether PostgreSQL was reached by verified TLS. */
  readonly tls: boolean;
  readonly figures: Readonly<Partial<Record<Contender['name'], Figures>>>;
}

export interface CaseOptions {
  readonly strategy: Strategy;
  readonly addedLatencyMs: number;
  readonly tls: boolean;
  readonly contenders: readonly Contender[];
  /** How many rotations are measured for each figure. */
  readonly rotations: number;
}

/** A contender's secret and its measurements. */
interface Entrant {
  readonly subject: Subject;
  readonly firstMs: number[];
  readonly processMs: number[];
  readonly peakMemoryMiB: number[];
  readonly warmMs: number[];
  readonly gapMs: number[];
}

/** Measures one case. The contenders take turns, so that other load on the machine affects all of them. */
export async function measureCase(servers: Servers, options: CaseOptions): Promise<Case> {
  const { strategy, addedLatencyMs, tls, contenders, rotations } = options;
  await using resources = new AsyncDisposableStack();
  const network = await startNetwork(servers, { addedMs: addedLatencyMs, tls }, resources);
  const entrants: Entrant[] = [];
  for (const contender of contenders) {
    const subject = await createSubject(servers, network, contender, strategy);
    // This rotation is not measured: it creates the second of two users, and warms the file system's cache.
    await inProcess(subject, (by) => subject.rotate(by));
    entrants.push({ subject, firstMs: [], processMs: [], peakMemoryMiB: [], warmMs: [], gapMs: [] });
  }
  await takeTurns(entrants, rotations, measureFirst);
  await measureWarm(servers, entrants, rotations);
  const figures: Partial<Record<Contender['name'], Figures>> = {};
  for (const entrant of entrants) figures[entrant.subject.contender.name] = await figuresOf(entrant);
  return { strategy, addedLatencyMs, tls, figures };
}

async function takeTurns<T>(
  entrants: readonly T[],
  rotations: number,
  act: (entrant: T) => Promise<void>,
): Promise<void> {
  for (let turn = 0; turn < rotations; turn++) {
    for (const entrant of entrants) await act(entrant);
  }
}

async function inProcess<T>(subject: Subject, use: (by: FunctionProcess) => Promise<T>): Promise<T> {
  const by = subject.start();
  try {
    return await use(by);
  } finally {
    await by.end();
  }
}

async function measureFirst({ subject, firstMs, processMs, peakMemoryMiB }: Entrant): Promise<void> {
  const startedMs = performance.now();
  const peak = await inProcess(subject, async (by) => {
    await subject.rotate(by);
    firstMs.push(performance.now() - startedMs);
    return by.peakMemoryMiB();
  });
  processMs.push(performance.now() - startedMs);
  if (peak !== undefined) peakMemoryMiB.push(peak);
}

/** Times and gaps are measured in separate rotations, because an application that logs in slows a rotation down. */
async function measureWarm(servers: Servers, entrants: readonly Entrant[], rotations: number): Promise<void> {
  const running = entrants.map((entrant) => ({ ...entrant, by: entrant.subject.start() }));
  try {
    for (const { subject, by } of running) await subject.rotate(by);
    await takeTurns(running, rotations, async ({ subject, by, warmMs }) => {
      warmMs.push(await subject.rotate(by));
    });
    await takeTurns(running, rotations, async ({ subject, by, gapMs }) => {
      gapMs.push(await shutOutDuring(servers, subject, () => subject.rotate(by)));
    });
  } finally {
    await Promise.all(running.map(({ by }) => by.end()));
  }
}

async function figuresOf({ subject, ...samples }: Entrant): Promise<Figures> {
  const { secretsManagerCalls, logins } = await inProcess(subject, (by) => subject.rotateCounted(by));
  const { firstMs, processMs, warmMs, gapMs, peakMemoryMiB } = samples;
  return {
    secretsManagerCalls,
    logins: logins.accepted + logins.refused,
    refusedLogins: logins.refused,
    firstRotationMs: median(firstMs),
    wholeProcessMs: median(processMs),
    warmRotationMs: median(warmMs),
    gapMs: median(gapMs),
    longestGapMs: Math.max(...gapMs),
    ...(peakMemoryMiB.length > 0 && { peakMemoryMiB: median(peakMemoryMiB) }),
  };
}
