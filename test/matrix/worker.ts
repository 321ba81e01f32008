import {
  type Cell,
  crashMatrix,
  dealtOut,
  type MatrixReport,
  type RotatorHarness,
  randomWalks,
  type WalksReport,
} from '../../src/testing/index.ts';
import { type Subject, subjects } from './harnesses.ts';

/** The work of a process on one rotator. It comes as JSON in the first argument. */
export interface Work {
  readonly rotator: string;
  /** Empty for all. */
  readonly cells: readonly string[];
  /** 0 for the cells. */
  readonly walks: number;
  readonly seed?: number | undefined;
  /** How the recoveries are dealt out; all cells if absent. */
  readonly deal?: number | undefined;
  /** Find the cells, and run none. */
  readonly dry?: boolean;
}

/** What the process sends back. `all`: every cell, including those that were not run. */
export type Done =
  | { readonly matrix: MatrixReport; readonly all: readonly Cell[] }
  | { readonly walks: WalksReport }
  /** Why there is no report. */
  | { readonly broken: string };

/** Says on stderr how far it is, at most once in five seconds. */
function progress(rotator: string): (done: number, of: number) => void {
  let saidAt = performance.now();
  return (done, of) => {
    if (performance.now() - saidAt < 5_000 && done < of) return;
    saidAt = performance.now();
    process.stderr.write(`${rotator}: ${done} of ${of}\n`);
  };
}

async function run(
  harness: RotatorHarness,
  { rotator, cells, walks, seed, deal, dry = false }: Work,
  isOwn: Subject['only'] = () => true,
): Promise<Done> {
  const said = progress(rotator);
  if (walks > 0) {
    return { walks: { ...(await randomWalks(harness, { walks, seed, onWalk: said })), rotator } };
  }
  const all: Cell[] = [];
  const isDealt = deal === undefined ? () => true : dealtOut(deal);
  const only = (cell: Cell): boolean => {
    if (!isOwn(cell)) return false;
    all.push(cell);
    return !dry && isDealt(cell) && (cells.length === 0 || cells.includes(cell.id));
  };
  return { matrix: { ...(await crashMatrix(harness, { only, onCell: said })), rotator }, all };
}

/** Sends a message, and resolves when it is written. Messages that are not written when the channel closes are lost. */
function send(done: Done): Promise<void> {
  return new Promise((resolve, reject) => {
    process.send?.(done, (error: Error | null) => (error === null ? resolve() : reject(error)));
  });
}

const work: Work = JSON.parse(process.argv[2] ?? '{}');
const subject = subjects().find(({ rotator }) => rotator === work.rotator);
if (subject === undefined) throw new Error(`No rotator is called ${work.rotator}.`);
/** Tells what was thrown, and throws it again: Node.js prints it with its stack. */
const tell = async (error: unknown): Promise<never> => {
  await send({ broken: error instanceof Error ? error.message : String(error) });
  throw error;
};
const { harness, stop } = await subject.start().catch(tell);
/** The parent process may be killed. Then nobody waits for this work, and its server must not stay behind. */
const giveUp = async (): Promise<void> => {
  await stop();
  process.exit(1);
};
process.once('disconnect', giveUp);
try {
  await send(await run(harness, work, subject.only).catch(tell));
} finally {
  process.off('disconnect', giveUp);
  // The report is sent already. A failed cleanup must not lose it.
  await stop().catch((error: unknown) => {
    process.stderr.write(`${work.rotator}: the target could not be cleaned up: ${error}\n`);
  });
}
process.disconnect?.();
