export { describeRotator } from './conformance/describe-rotator.ts';
export {
  type Address,
  hostilePasswords,
  type RotatorHarness,
  type RotatorModule,
  type TestAccount,
} from './harness.ts';
export { type Fault, faults } from './matrix/faults.ts';
export {
  type Cell,
  crashMatrix,
  dealtOut,
  type FailedCell,
  type MatrixOptions,
  type MatrixReport,
} from './matrix/matrix.ts';
export { type Recovery, recoveries } from './matrix/recovery.ts';
export { type FailedWalk, randomWalks, type WalksOptions, type WalksReport } from './matrix/walk.ts';
export type { Runner } from './runner.ts';
