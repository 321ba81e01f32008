import { KeyturnError } from '../../errors.ts';
import type { RotatorHarness } from '../harness.ts';
import { checkedHarness } from '../valid-harness.ts';
import { type CellResult, runPlans } from './cell.ts';
import { startChildPool } from './child-pool.ts';
import type { Plan, SeenCall } from './driver.ts';
import { type Fault, faults, type RemoteCall } from './faults.ts';
import { type Recovery, recoveries } from './recovery.ts';
import { isRead } from './secrets-manager.ts';
import { startWorld } from './world.ts';

/** A cell of the matrix: a call, the fault that it meets, and the recovery. */
export interface Cell extends Plan {
  /** What happens after the fault. */
  readonly recovery: Recovery;
  /** Selects the cell in a command: `12/lost-answer/cancelled`. */
  readonly id: string;
  /** The step and the call, such as `setSecret: target open`. */
  readonly place: string;
}

/** A cell that has failed. */
export interface FailedCell extends Cell {
  /** Which promise was broken, or why the cell could not run. */
  readonly failure: string;
  /** Remote calls and operators' actions in order, without secret values. */
  readonly trace: readonly string[];
}

/** The result of a matrix. */
export interface MatrixReport {
  /** The rotator's name. */
  readonly rotator: string;
  /** The cells that were run. */
  readonly cells: readonly Cell[];
  /** Those of them that failed. */
  readonly failed: readonly FailedCell[];
  /** Why some cells were not run. */
  readonly skipped: readonly string[];
}

/** How a matrix runs. */
export interface MatrixOptions {
  /** Which cells to run. Default: all. */
  readonly only?: (cell: Cell) => boolean;
  /** How many cells run in parallel. Default: 4, because they mostly wait. */
  readonly concurrency?: number;
  /** Called after each cell. */
  readonly onCell?: (done: number, of: number) => void;
}

/**
 * Runs a rotation at the harness's real target, once for each combination of remote call, fault and recovery. A broken promise
 * does not throw: it is in the report.
 *
 * @param given the harness: the rotator, and what makes accounts at its target
 * @throws PreflightFailed if a rotation fails even without a fault
 * @throws InvalidConfiguration if the harness or its rotator is wrong, or its `module` makes another rotator or none; and
 * for a concurrency that is no whole number from 1
 */
export async function crashMatrix(
  given: RotatorHarness,
  { only = () => true, concurrency = 4, onCell = () => undefined }: MatrixOptions = {},
): Promise<MatrixReport> {
  checkConcurrency(concurrency);
  const harness = checkedHarness(given);
  // What it throws would count as a fault of the rotation.
  harness.busy?.();
  const children = startChildPool(harness);
  try {
    const cells = cellsOf(await remoteCalls(harness), harness).filter(only);
    if (cells.some(({ recovery }) => recovery === 'process-killed')) await children?.check();
    const failed: FailedCell[] = [];
    let done = 0;
    await inParallel(cells, concurrency, async (cell) => {
      const { failure: found, struck, trace } = await resultOf(() => runPlans(harness, [cell], children));
      const failure = found ?? (struck ? undefined : 'The rotation did not make this call.');
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

/** Runs a cell or a walk. An error, such as that of an account that can't be made, is a failure of it too. */
export async function resultOf(run: () => Promise<CellResult>): Promise<CellResult> {
  try {
    return await run();
  } catch (error) {
    const failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { failure, struck: false, trace: [] };
  }
}

/** The calls of a rotation without a fault. @throws PreflightFailed if that rotation fails */
export async function remoteCalls(harness: RotatorHarness): Promise<readonly SeenCall[]> {
  const world = await startWorld(harness);
  try {
    await world.rotate();
    const failure =
      world.violation ?? (world.outcome.succeeded ? await world.invariants.atRest() : world.outcome.error);
    if (failure === undefined) return world.seen;
    throw new KeyturnError(
      'PreflightFailed',
      `A rotation fails without any fault: ${failure.replace(/\.?$/, '.')}`,
      'Put this in order first. The conformance suite (describeRotator) says more.',
    );
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

/** All recoveries but `process-killed`, which takes ten times as long. */
const cheapRecoveries = recoveries.filter((recovery) => recovery !== 'process-killed');

/**
 * A filter for {@link MatrixOptions.only} with one cell for each remote call and fault. The recoveries take turns. It
 * leaves out `process-killed`.
 *
 * @param number which deal, from 0. The deals 0 to 4 together have all cells, except those of `process-killed`
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

/** The recoveries that a harness allows. */
export function recoveriesOf({ module }: RotatorHarness): Recovery[] {
  return recoveries.filter((recovery) => recovery !== 'process-killed' || module !== undefined);
}

/** Without a worker, no cell would run, and none would fail. @throws InvalidConfiguration */
export function checkConcurrency(concurrency: number): void {
  if (Number.isInteger(concurrency) && concurrency >= 1) return;
  throw new KeyturnError(
    'InvalidConfiguration',
    `The concurrency must be a whole number from 1, not ${concurrency}.`,
    'Correct it, or leave it out.',
    { field: 'concurrency' },
  );
}

/** Works through a list, up to `concurrency` items in parallel. */
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
