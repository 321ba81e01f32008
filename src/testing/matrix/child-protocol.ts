import type { SecretsManagerClientConfig } from '@aws-sdk/client-secrets-manager';
import type { RotatorModule } from '../harness.ts';
import type { InjectedFault, RemoteCall } from './faults.ts';

/** What another process needs to make the function. */
export interface ChildFunction {
  readonly module: RotatorModule;
  readonly clientConfig: SecretsManagerClientConfig;
  /** The driver's error if the target is too busy. */
  readonly busy: { readonly message: string; readonly code?: unknown } | undefined;
}

/** From the matrix to a process with a function. */
export type ToChild =
  | { readonly type: 'create'; readonly function: ChildFunction }
  | { readonly type: 'invoke'; readonly event: unknown }
  /** Lets a call continue after the checkpoint. */
  | { readonly type: 'go'; readonly id: number; readonly verdict?: InjectedFault | undefined };

/** From a process with a function to the matrix. */
export type FromChild =
  | { readonly type: 'ready'; readonly rotator: string }
  /** The module made no rotator. */
  | { readonly type: 'unready'; readonly fault: string }
  | { readonly type: 'invoked'; readonly error?: string | undefined }
  | { readonly type: 'before' | 'after'; readonly call: RemoteCall };
