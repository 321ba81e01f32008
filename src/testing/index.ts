export { describeRotator } from './conformance/describe-rotator.ts';
export {
  type Address,
  hostilePasswords,
  type RotatorHarness,
  type RotatorModule,
  type TestAccount,
} from './harness.ts';
export type { Runner } from './runner.ts';
