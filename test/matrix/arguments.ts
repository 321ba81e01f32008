import { parseArgs } from 'node:util';

export interface MatrixArguments {
  readonly rotators: readonly string[];
  readonly cells: readonly string[];
  readonly walks: number;
  readonly seed: number | undefined;
  readonly deal: number | undefined;
  /** Find the cells, and run none. */
  readonly dry: boolean;
  readonly table: 'write' | 'check' | undefined;
  readonly json: boolean;
  readonly help: boolean;
}

export const help = `Has every remote call of a rotation meet every fault, in every way of going on from there, at real targets.

Usage: npm run matrix -- [OPTIONS]

Options:
  --rotator NAME   Only this rotator; can be repeated
  --cell ID        Only this cell, as a failure names it (12/lost-answer/cancelled); can be repeated
  --deal N         Strike at each call with each fault once, and deal the ways of going on out over them; N (0 to 4)
                   says how. Leaves out the processes to kill, and rotators that make the calls of another
  --dry-run        Find the cells and run none: with --check, compare the table in a minute
  --walks N        Walk N random walks for each rotator, and no cells
  --seed N         The seed of the walks, as a failure names it
  --write          Write what came of it into the table in docs/matrix.md
  --check          Fail where the table in docs/matrix.md is another; with --deal, where it lacks a cell that there is
  --json           Print one JSON document and nothing else (npm run --silent matrix -- --json)
  --help           Show this text

Exit codes: 0 all passed, 1 something failed, 2 a command line that makes no sense.
`;

/** @throws Error with one line that says what is wrong */
export function readArguments(args: readonly string[]): MatrixArguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rotator: { type: 'string', multiple: true, default: [] },
      cell: { type: 'string', multiple: true, default: [] },
      walks: { type: 'string', default: '0' },
      seed: { type: 'string' },
      deal: { type: 'string' },
      'dry-run': { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const table = values.write ? 'write' : values.check ? 'check' : undefined;
  if (table !== undefined && (values.cell.length > 0 || values.walks !== '0'))
    throw new Error('--write and --check take all cells of a rotator: no --cell or --walks beside them.');
  const deal = values.deal === undefined ? undefined : wholeNumber('deal', values.deal);
  if (deal !== undefined && (values.write || values.cell.length > 0 || values.walks !== '0'))
    throw new Error('--deal chooses the cells: no --write, --cell or --walks beside it.');
  if (
    values['dry-run'] &&
    (values.write || deal !== undefined || values.cell.length > 0 || values.walks !== '0')
  )
    throw new Error('--dry-run runs no cell: no --write, --deal, --cell or --walks beside it.');
  return {
    deal,
    dry: values['dry-run'],
    rotators: values.rotator,
    cells: values.cell,
    walks: wholeNumber('walks', values.walks),
    seed: values.seed === undefined ? undefined : wholeNumber('seed', values.seed),
    table,
    json: values.json,
    help: values.help,
  };
}

function wholeNumber(option: string, text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw new Error(`--${option} takes a whole number.`);
}
