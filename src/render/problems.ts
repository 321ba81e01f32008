import { type ErrorCode, KeyturnError } from '../errors.ts';
import type { Position } from './template.ts';

/** One thing that is wrong, and where. */
export interface RenderProblem extends Position {
  readonly code: ErrorCode;
  /** What is wrong and what to do; never a value. */
  readonly message: string;
  /** The reference at fault, without its default. */
  readonly reference?: string;
}

/** A template that can't be rendered, with everything that is wrong with it. */
export class RenderProblems extends KeyturnError {
  readonly problems: readonly RenderProblem[];

  constructor(problems: readonly RenderProblem[], unchanged = 'Nothing was written.') {
    const count = problems.length === 1 ? 'One thing is wrong.' : `${problems.length} things are wrong.`;
    super('RenderFailed', `${count} ${unchanged}`, 'Correct what is listed.');
    this.problems = [...problems].sort((a, b) => a.line - b.line || a.column - b.column);
  }
}
