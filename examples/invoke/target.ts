import type { ApiDescription } from '../../rotators/api-token/index.ts';

/** A new credential, as createSecret stores it. */
export interface Renewal {
  readonly fields: Readonly<Record<string, unknown>>;
  /** Makes the target accept it, as setSecret does. */
  accept(): Promise<void>;
}

/** A server with an account whose credential is rotated. */
export interface Target {
  /** Its name, for people. */
  readonly name: string;
  readonly description: string;
  /** The account's secret, with the address under which a container reaches the server. */
  readonly secret: Readonly<Record<string, unknown>>;
  readonly tags?: Readonly<Record<string, string>>;
  /** Port on this machine; undefined for a server elsewhere. */
  readonly localPort: number | undefined;
  readonly ca: string;
  /** Descriptions of APIs for the function. */
  readonly apis?: readonly ApiDescription[];
  renew(): Renewal;
}
