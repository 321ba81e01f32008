import type { Node } from '../redis/credential.ts';

/** A user, as the API describes it. Its texts are empty if the API does not say them. */
export interface ApiUser {
  /** The user's name, with which it logs in. */
  readonly username: string;
  /** `active`, `modifying` or `deleting`. */
  readonly status: string;
  /** How it logs in: `password`, `no-password` or `iam`. */
  readonly authentication: string;
  /** How many passwords it has: at most two. */
  readonly passwordCount: number;
  /** Names of the user groups, or of the access control lists, that it is in. */
  readonly groups: readonly string[];
}

/** The calls of ElastiCache's or MemoryDB's API that a rotation makes. */
export interface UsersApi {
  /** @throws the SDK's error, also for a user that does not exist */
  find(id: string, signal: AbortSignal): Promise<ApiUser>;
  /** Sets the passwords that the user is to have: one or two. */
  setPasswords(id: string, passwords: readonly string[], signal: AbortSignal): Promise<void>;
  /** The endpoints of all caches that the user's groups belong to. */
  endpoints(user: ApiUser, signal: AbortSignal): Promise<Node[]>;
}

/** An endpoint, in the API's format. */
export interface ApiEndpoint {
  readonly Address?: string | undefined;
  readonly Port?: number | undefined;
}

export function nodesOf(endpoints: readonly (ApiEndpoint | undefined)[]): Node[] {
  return endpoints.flatMap((endpoint) =>
    endpoint?.Address === undefined || endpoint.Address === ''
      ? []
      : [{ host: endpoint.Address, port: endpoint.Port ?? 6379 }],
  );
}
