import { rabbitMq } from '../../../rotators/rabbitmq/index.ts';
import type { Rotator } from '../../../src/index.ts';

/** Makes the rotator, in another process too. */
export default function makeRotator(): Rotator {
  return rabbitMq();
}
