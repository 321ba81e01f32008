import type { ApiDescription } from '../../../rotators/api-token/index.ts';
import type { SecretFields } from '../../../src/index.ts';

/** An account of a real server that issues tokens, with one of its tokens. */
export interface TokenAccount {
  /** Fields of its secret: the server's address, the token and the token's id. */
  readonly secret: SecretFields;
  /** Fields of the admin secret, if an admin issues the tokens. */
  readonly admin?: SecretFields;
  /** The ids of its working tokens, as the server lists them. */
  live(): Promise<string[]>;
}

/** A real server that issues tokens. */
export interface TokenServer {
  readonly description: ApiDescription;
  newAccount(): Promise<TokenAccount>;
  stop(): Promise<void>;
}
