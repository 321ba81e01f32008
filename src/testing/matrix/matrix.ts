import type { RotatorHarness } from '../harness.ts';
import { type CellResult, runPlans } from './cell.ts';
import { startChildPool } from './child-pool.ts';
import type { Plan, SeenCall } from './driver.ts';
import { type Fault, faults, type RemoteCall } from './faults.ts';
import { type Recovery, recoveries } from './recovery.ts';
import { isRead } from './secrets-manager.ts';
import { startWorld } from './world.ts';

/** A cell of the matrix: the fault, the call that meets it, and what happens then. */
export interface Cell extends Plan {
  readonly recovery: Recovery;
  /** Runs it alone: `12/lost-answer/cancelled`. */
  readonly id: string;
  /** Such as `setSecret: target open`. */
  readonly place: string;
}

/** A cell that did not pass. */
export interface FailedCell extends Cell {
  readonly failure: string;
  /** Each remote call and each act in their order; nothing secret. */
  readonly trace: readonly string[];
}

/** What came of a matrix. */
export interface MatrixReport {
  /** The rotator's name. */
  readonly rotator: string;
  readonly cells: readonly Cell[];
  readonly failed: readonly FailedCell[];
  /** Why some cells were not run. */
  readonly skipped: readonly string[];
}

export interface MatrixOptions {
  /** Which cells to run; all if absent. */
  readonly only?: (cell: Cell) => boolean;
  /** Cells at a time. Default: 4, since they mostly wait. */
  readonly concurrency?: number;
  /** Called when a cell has ended. */
  readonly onCell?: (done: number, of: number) => void;
}

/**
 * Runs a rotation once for each remote call that it makes, each fault that the call can meet, and each way in which
 * things can go on from there, against the harness's real target.
 */
export async function crashMatrix(
  harness: RotatorHarness,
  { only = () => true, concurrency = 4, onCell = () => undefined }: MatrixOptions = {},
): Promise<MatrixReport> {
  const children = startChildPool(harness);
  try {
    const cells = cellsOf(await remoteCalls(harness), harness).filter(only);
    const failed: FailedCell[] = [];
    let done = 0;
    await inParallel(cells, concurrency, async (cell) => {
      const { failure: found, struck, trace } = await attempt(() => runPlans(harness, [cell], children));
      const failure = found ?? (struck ? undefined : 'The rotation did not come to this call.');
      if (failure !== undefined) failed.push({ ...cell, failure, trace });
      done += 1;
      onCell(done, cells.length);
    });
    const skipped = children === undefined ? ['process-killed: the harness names no module.'] : [];
    return { rotator: harness.rotator.name, cells, failed, skipped };
  } finally {
    await children?.close();
  }
}

/** A cell whose surroundings fail has failed too. */
export async function attempt(run: () => Promise<CellResult>): Promise<CellResult> {
  try {
    return await run();
  } catch (error) {
    const failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { failure, struck: false, trace: [] };
  }
}

/** The calls of a rotation to which nothing happens. */
export async function remoteCalls(harness: RotatorHarness): Promise<readonly SeenCall[]> {
  const world = await startWorld(harness);
  try {
    await world.rotate();
    const failure =
      world.violation ?? (world.outcome.succeeded ? await world.invariants.atRest() : world.outcome.error);
    if (failure === undefined) return world.seen;
    throw new Error(`A rotation fails with nothing in its way: ${failure}`);
  } finally {
    await world.close();
  }
}

function cellsOf(calls: readonly SeenCall[], harness: RotatorHarness): Cell[] {
  return calls.flatMap(({ call, step, composite }, index) =>
    composite
      ? []
      : faultsOf(call, harness).flatMap((fault) =>
          recoveriesOf(harness).map((recovery) => ({
            call: index + 1,
            fault,
            recovery,
            id: `${index + 1}/${fault}/${recovery}`,
            place: `${step}: ${call.to} ${call.name}`,
          })),
        ),
  );
}

/** What can happen after a fault without a process of its own to kill, which takes ten times as long. */
const cheapRecoveries = recoveries.filter((recovery) => recovery !== 'process-killed');

/**
 * Chooses one cell for each remote call and each fault, and deals the recoveries out over them: neighbouring calls and
 * faults go on in different ways. It leaves out `process-killed`. For {@link MatrixOptions.only}.
 *
 * @param number which deal, 0 or more. The deals 0 to 4 together have every cell but those of `process-killed`
 */
export function dealtOut(number: number): (cell: Cell) => boolean {
  return ({ call, fault, recovery }) =>
    recovery === cheapRecoveries[(call + faults.indexOf(fault) + number) % cheapRecoveries.length];
}

function faultsOf({ to, name }: RemoteCall, { busy }: RotatorHarness): Fault[] {
  return faults.filter((fault) => {
    if (fault === 'stale-read') return to === 'Secrets Manager' && isRead(name);
    return fault !== 'throttled' || to === 'Secrets Manager' || busy !== undefined;
  });
}

export function recoveriesOf({ module }: RotatorHarness): Recovery[] {
  return recoveries.filter((recovery) => recovery !== 'process-killed' || module !== undefined);
}

/** Works through a list, so many at a time. */
export async function inParallel<T>(
  items: readonly T[],
  concurrency: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const rest = items.values();
  const worker = async (): Promise<void> => {
    for (const item of rest) await work(item);
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}
