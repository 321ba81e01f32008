import type { ApiDescription } from '../../../rotators/api-token/index.ts';
import type { SecretFields } from '../../../src/index.ts';

/** An account of a real server that issues tokens, and a token of that. */
export interface TokenAccount {
  /** Fields of its secret: where it is, the token and the id of that. */
  readonly secret: SecretFields;
  /** Fields of the admin secret, where an admin issues. */
  readonly admin?: SecretFields;
  /** The ids of its tokens that work, as the server counts them. */
  live(): Promise<string[]>;
}

/** A real server that issues tokens. */
export interface TokenServer {
  readonly description: ApiDescription;
  newAccount(): Promise<TokenAccount>;
  stop(): Promise<void>;
}
