import { randomRotators } from '../../../rotators/random/index.ts';
import type { Rotator } from '../../../src/index.ts';

/** Makes the rotator of this name. */
export default function makeRotator(name: unknown): Rotator {
  const found = randomRotators().find((rotator) => rotator.name === name);
  if (found === undefined) throw new Error('The settings are the name of a rotator.');
  return found;
}
