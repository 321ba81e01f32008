import { httpPassword } from '../../examples/http-password.ts';
import type { Rotator } from '../../src/index.ts';

/** Makes the rotator of the README, which has no settings. */
export default function makeRotator(): Rotator {
  return httpPassword;
}
