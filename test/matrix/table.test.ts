import { describe, expect, it } from 'vitest';
import type { Cell } from '../../src/testing/index.ts';
import { matrixTable, type Row, withRows } from './table.ts';

const cell = (call: number, recovery: Cell['recovery']): Cell => {
  const [fault, place] = ['crash-after', 'setSecret: target open'] as const;
  return { call, fault, recovery, place, id: `${call}/${fault}/${recovery}` };
};
const row = (rotator: string, ...cells: readonly Cell[]): Row => ({ rotator, cells, failed: [] });
const pageWith = (...rows: readonly Row[]): string =>
  `before\n<!-- matrix: written by npm run matrix -- --write -->\n${matrixTable(rows)}\n<!-- /matrix -->\nafter\n`;

describe("the matrix's table", () => {
  it('counts remote calls and the cells that passed', () => {
    const failed = { ...cell(2, 'retried'), failure: 'It did not recover.', trace: [] };
    const [, , line] = matrixTable([
      { ...row('a', cell(1, 'retried'), cell(2, 'retried'), cell(2, 'cancelled')), failed: [failed] },
    ]).split('\n');
    expect(line).toBe('| `a` | 2 | 1 of 2 | 0 of 0 | 0 of 0 | 1 of 1 | 0 of 0 | 0 of 0 |');
  });

  it('keeps the rows of rotators that were not run, and loses those of rotators that are no more', () => {
    const old = pageWith(row('a', cell(1, 'retried')), row('gone'), row('b', cell(1, 'cancelled')));
    const [newer, added] = [row('a', cell(1, 'retried'), cell(2, 'retried')), row('c', cell(1, 'retried'))];
    expect(withRows(old, [added, newer], ['a', 'b', 'c'])).toBe(
      pageWith(newer, row('b', cell(1, 'cancelled')), added),
    );
  });

  it('is looked for between its marks', () => {
    expect(() => withRows('no marks', [], [])).toThrow('docs/matrix.md lacks the marks');
  });
});
