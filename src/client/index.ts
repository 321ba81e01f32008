export type { Duration } from './duration.ts';
export type {
  BridgedEvent,
  ReadEvent,
  ReadFailedEvent,
  RefreshedEvent,
  RefusalStayedEvent,
  RefusedEvent,
  SecretEvent,
  SecretEventListener,
} from './events.ts';
export type { ReadingHints } from './reader.ts';
export type { SecretsManagerSender } from './sdk.ts';
export { createSecrets, Secret, type Secrets, type SecretsOptions, type WaitOptions } from './secrets.ts';
export { type ReadAnswer, type ReadRequest, type SecretSource, secretsManager } from './source.ts';
export type { UseOptions } from './use.ts';
export { SecretValue, type Stage, type ValueIdentity } from './value.ts';
