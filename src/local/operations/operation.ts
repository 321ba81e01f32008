import type { Partition } from '../arn.ts';
import { type Input, inputReader, type OperationName } from '../protocol/input.ts';
import type { RotationControl } from '../rotation/control.ts';
import type { UnitOfWork } from '../unit-of-work.ts';

/** What an operation works with: its transaction, and who asked where. */
export interface OperationContext extends UnitOfWork {
  /** The account of whoever asks, and the region that was asked. */
  readonly partition: Partition;
  /** Who signed the request; empty when it wasn't signed. */
  readonly accessKeyId: string;
  readonly rotations: RotationControl;
}

/** One operation of the API. */
export interface Operation {
  readonly name: OperationName;
  /**
   * Validates the body and answers it, in one transaction. Members that are undefined are absent from the answer;
   * undefined is an answer without a body. A ServiceError that is returned is answered too, but what was written stays.
   * @throws ServiceError the error to answer with, after everything is undone
   */
  answer(context: OperationContext, body: unknown): object | undefined;
}

/** Ties an operation's input to its work, so that the work sees validated input only. */
export function defineOperation<Name extends OperationName>(
  name: Name,
  work: (context: OperationContext, input: Input<Name>) => object | undefined,
): Operation {
  const read = inputReader(name);
  return { name, answer: (context, body) => work(context, read(body)) };
}
