import { type ErrorCode, KeyturnError } from '../errors.ts';
import type { Position } from './template.ts';

/** A problem of a template, and its position. */
export interface RenderProblem extends Position {
  readonly code: ErrorCode;
  /** What is wrong and what to do, without a secret value. */
  readonly message: string;
  /** The reference at fault, without its default. */
  readonly reference?: string;
}

/** A template can't be rendered. Lists all of its problems. */
export class RenderProblems extends KeyturnError {
  readonly problems: readonly RenderProblem[];

  constructor(problems: readonly RenderProblem[], unchanged = 'Nothing was written.') {
    const count = problems.length === 1 ? 'One thing is wrong.' : `${problems.length} things are wrong.`;
    super('RenderFailed', `${count} ${unchanged}`, 'Correct what is listed.');
    this.problems = [...problems].sort((a, b) => a.line - b.line || a.column - b.column);
  }
}
