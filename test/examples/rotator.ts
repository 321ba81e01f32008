import { httpPassword } from '../../examples/http-password.ts';
import type { Rotator } from '../../src/index.ts';

/** Makes the example of a password, which has no settings. */
export default function makeRotator(): Rotator {
  return httpPassword;
}
