import { type ProgramOptions, programHelp, readOptions, wholeNumber } from '../../scripts/program.ts';

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

const options = {
  rotator: {
    type: 'string',
    multiple: true,
    default: [],
    placeholder: 'NAME',
    about: 'Only this rotator; can be repeated',
  },
  cell: {
    type: 'string',
    multiple: true,
    default: [],
    placeholder: 'ID',
    about: 'Only this cell, as a failure names it (12/lost-answer/cancelled); can be repeated',
  },
  deal: {
    type: 'string',
    placeholder: 'N',
    about: [
      'Strike at each call with each fault once, and deal the ways of going on out over them; N (0 to 4)',
      'says how. Leaves out the processes to kill, and rotators that make the calls of another',
    ].join('\n'),
  },
  'dry-run': {
    type: 'boolean',
    default: false,
    about: 'Find the cells and run none: with --check, compare the table in a minute',
  },
  walks: {
    type: 'string',
    default: '0',
    placeholder: 'N',
    about: 'Walk N random walks for each rotator, and no cells',
  },
  seed: { type: 'string', placeholder: 'N', about: 'The seed of the walks, as a failure names it' },
  write: {
    type: 'boolean',
    default: false,
    about: 'Write what came of it into the table in docs/matrix.md',
  },
  check: {
    type: 'boolean',
    default: false,
    about:
      'Fail where the table in docs/matrix.md is another; with --deal, where it lacks a cell that there is',
  },
} as const satisfies ProgramOptions;

export const help = programHelp({
  about:
    'Has every remote call of a rotation meet every fault, in every way of going on from there, at real targets.',
  command: 'npm run matrix',
  options,
  end: 'Exit codes: 0 all passed, 1 something failed, 2 a command line that makes no sense.',
});

/** @throws Error with one line that says what is wrong */
export function readArguments(args: readonly string[]): MatrixArguments {
  const { values, json, help } = readOptions(options, args);
  const table = values.write ? 'write' : values.check ? 'check' : undefined;
  const chooses = values.cell.length > 0 || values.walks !== '0';
  if (table !== undefined && chooses)
    throw new Error('--write and --check take all cells of a rotator: no --cell or --walks beside them.');
  const deal = values.deal === undefined ? undefined : wholeNumber('deal', values.deal);
  if (deal !== undefined && (values.write || chooses))
    throw new Error('--deal chooses the cells: no --write, --cell or --walks beside it.');
  if (values['dry-run'] && (values.write || deal !== undefined || chooses))
    throw new Error('--dry-run runs no cell: no --write, --deal, --cell or --walks beside it.');
  return {
    deal,
    dry: values['dry-run'],
    rotators: values.rotator,
    cells: values.cell,
    walks: wholeNumber('walks', values.walks),
    seed: values.seed === undefined ? undefined : wholeNumber('seed', values.seed),
    table,
    json,
    help,
  };
}
