import type { Partition } from '../arn.ts';
import { type Shape, validate } from '../protocol/shapes.ts';
import type { RotationControl } from '../rotation/control.ts';
import type { UnitOfWork } from '../state.ts';

/** What an operation works with: its transaction, and who asked where. */
export interface OperationContext extends UnitOfWork {
  readonly partition: Partition;
  /** Who signed the request; empty when it wasn't signed. */
  readonly accessKeyId: string;
  readonly rotations: RotationControl;
}

/** One operation of the API. */
export interface Operation {
  readonly name: string;
  /**
   * Validates the body and answers it, in one transaction. Members that are undefined are absent from the answer.
   * A ServiceError that is returned is answered too, but what was written stays.
   * @throws ServiceError the error to answer with, after everything is undone
   */
  answer(context: OperationContext, body: unknown): object;
}

/** Ties an operation's input to its work, so that the work sees validated input only. */
export function defineOperation<Input>(
  name: string,
  input: Shape<Input>,
  work: (context: OperationContext, input: Input) => object,
): Operation {
  return { name, answer: (context, body) => work(context, validate(input, body)) };
}
