export type {
  ConditionContext,
  LocalKey,
  LocalPrincipal,
  LocalRole,
  PolicyJson,
} from './access/principals.ts';
export { type Clock, fastClock, type ManualClock, manualClock, systemClock } from './clock.ts';
export type { ConnectionFault, FaultRule } from './disturbance/faults.ts';
export type { Throttling } from './disturbance/throttle.ts';
export type {
  CallEvent,
  EventBridgeEvent,
  LabelsEvent,
  LocalEvent,
  LocalEventListener,
  RotationCancelledEvent,
  RotationCause,
  RotationFailedEvent,
  RotationStartedEvent,
  RotationStep,
  RotationSucceededEvent,
  StepEndedEvent,
  StepStartedEvent,
} from './events.ts';
export type {
  LocalFunction,
  LocalFunctionContext,
  LocalFunctionSettings,
  RotationRequest,
} from './rotation/functions.ts';
export {
  type LocalClientConfig,
  type LocalSecretsManager,
  type LocalSecretsManagerOptions,
  startLocalSecretsManager,
} from './server.ts';
