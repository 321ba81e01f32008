import type { SecretsManagerClientConfig } from '@aws-sdk/client-secrets-manager';
import type { RotatorModule } from '../harness.ts';
import type { RemoteCall, Verdict } from './faults.ts';

/** What a function in a process of its own is made of. */
export interface ChildFunction {
  readonly module: RotatorModule;
  readonly clientConfig: SecretsManagerClientConfig;
  /** What the target's driver throws when it takes no more work just now. */
  readonly busy: { readonly message: string; readonly code?: unknown } | undefined;
}

/** From the matrix to a process with a function. */
export type ToChild =
  | { readonly type: 'create'; readonly function: ChildFunction }
  | { readonly type: 'invoke'; readonly event: unknown }
  /** Lets a call, by its id, go on past the checkpoint. */
  | { readonly type: 'go'; readonly id: number; readonly verdict?: Verdict | undefined };

/** From a process with a function to the matrix. */
export type FromChild =
  | { readonly type: 'ready' }
  | { readonly type: 'invoked'; readonly error?: string | undefined }
  | { readonly type: 'before' | 'after'; readonly call: RemoteCall };
