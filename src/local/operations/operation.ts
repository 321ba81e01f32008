import type { Partition } from '../arn.ts';
import { type Input, inputReader, type OperationName } from '../protocol/input.ts';
import type { RotationControl } from '../rotation/control.ts';
import type { UnitOfWork } from '../unit-of-work.ts';

/** What an operation works with: its transaction, and the caller. */
export interface OperationContext extends UnitOfWork {
  /** The caller's account, and the region that was called. */
  readonly partition: Partition;
  /** The access key that signed the request. Empty if it wasn't signed. */
  readonly accessKeyId: string;
  readonly rotations: RotationControl;
}

/** One operation of the API. */
export interface Operation {
  readonly name: OperationName;
  /**
   * Validates the body and answers it, in one transaction. Undefined members are left out of the answer. Undefined is an answer
   * without a body. If a ServiceError is returned, it is the answer, and what was written stays.
   * @throws ServiceError the answer, after everything is undone
   */
  answer(context: OperationContext, body: unknown): object | undefined;
}

/** Makes an operation. Its work only gets validated input. */
export function defineOperation<Name extends OperationName>(
  name: Name,
  work: (context: OperationContext, input: Input<Name>) => object | undefined,
): Operation {
  const read = inputReader(name);
  return { name, answer: (context, body) => work(context, read(body)) };
}
