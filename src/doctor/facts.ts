import type { Finding } from '../rotator/contract.ts';
import type { PendingValue, Secret } from '../secrets-manager/port.ts';

/** A secret, as far as its rotation is concerned. */
export type DescribedRotation = Pick<
  Secret,
  | 'arn'
  | 'name'
  | 'stages'
  | 'rotationEnabled'
  | 'functionArn'
  | 'rules'
  | 'lastRotated'
  | 'nextRotation'
  | 'deletedOn'
  | 'kmsKeyId'
>;

/** What a function's preflight says. `unknown`: the function could not be asked. */
export type Preflight =
  | { readonly outcome: 'passed'; readonly findings: readonly Finding[] }
  | { readonly outcome: 'failed'; readonly code: string; readonly message: string }
  | { readonly outcome: 'unknown'; readonly reason: string };

/** A rotation function, as Lambda describes it. */
export interface FunctionState {
  /** Why Lambda can't run it; undefined if it can. */
  readonly broken: string | undefined;
  /** Seconds. */
  readonly timeoutSeconds: number | undefined;
  readonly roleArn: string | undefined;
  readonly vpc: FunctionNetwork | undefined;
  readonly logGroup: string;
}

/** Where in a VPC a function is. */
export interface FunctionNetwork {
  readonly vpcId: string;
  readonly subnetIds: readonly string[];
  readonly securityGroupIds: readonly string[];
}

/** A failed step in the function's log. */
export interface LoggedFailure {
  readonly at: Date;
  readonly step: string;
  /** The error code. */
  readonly code: string;
  readonly message: string;
}

/** What the function's log says of the secret; newest first. */
export interface LogFacts {
  readonly failures: readonly LoggedFailure[];
  /** When the function last timed out, for any secret. */
  readonly timedOut: Date | undefined;
  /** What Lambda says of a function that did not start, such as `Runtime.ImportModuleError`. */
  readonly notStarted: string | undefined;
}

/** Whether a function in a VPC reaches Secrets Manager. `blocked-by`: whose security groups block it. */
export type WayToSecretsManager =
  | { readonly way: 'endpoint' | 'route' | 'unknown' }
  | { readonly way: 'none'; readonly detail: string }
  | { readonly way: 'blocked-by'; readonly what: 'endpoint' | 'function'; readonly detail: string };

/** What is known about a secret's surroundings. Undefined: it could not be looked at. */
export interface Surroundings {
  readonly function: FunctionState | 'missing' | undefined;
  /** Whether the function's policy lets Secrets Manager invoke it. */
  readonly invocable: boolean | undefined;
  /** The function's reserved concurrency, if it is set. */
  readonly reservedConcurrency: number | undefined;
  readonly log: LogFacts | undefined;
  readonly network: WayToSecretsManager | undefined;
  /** The state of the secret's KMS key, such as `Disabled`. */
  readonly keyState: string | undefined;
  /** The statement of the resource policy that denies the function something; undefined if none does. */
  readonly deniedBy: PolicyDenial | undefined;
}

/** A statement of a resource policy that denies what a rotation needs. */
export interface PolicyDenial {
  /** Its Sid, or its place. */
  readonly statement: string;
  readonly actions: readonly string[];
  /** Whether it has conditions that only a request decides. */
  readonly conditional: boolean;
}

/** Everything that a diagnosis uses. */
export interface Facts {
  readonly secret: DescribedRotation;
  /** Of the unfinished version, if there is one. */
  readonly pendingValue: PendingValue | undefined;
  /** Undefined: the function was not asked. */
  readonly preflight: Preflight | undefined;
  /** Undefined: nobody looked at them. */
  readonly surroundings: Surroundings | undefined;
}
