import type { Adapter, AdapterPayload } from 'oidc-provider';

/** An entry of the server's storage, such as a token. */
interface Stored {
  readonly model: string;
  readonly id: string;
  readonly payload: AdapterPayload;
  /** When it expires, is used up or is removed; ms since the epoch. */
  expiresAtMs: number;
  consumedAtMs: number;
  goneAtMs: number;
}

/** How lenient a server is to a client that has lost an answer. */
export interface Leniency {
  /** How long replaced client secrets, registration access tokens and refresh tokens still work, in ms. */
  readonly leewayMs: number;
}

/** Everything that a server has issued, in memory. */
export interface Storage {
  adapter(model: string): Adapter;
  /** The models and ids of a client's entries that still work. */
  alive(clientId: string): string[];
}

const never = Number.POSITIVE_INFINITY;

/** Makes the storage. @param keepsGrant decides whether a grant survives the revocation of one of its tokens */
export function createStorage({ leewayMs }: Leniency, keepsGrant: () => boolean): Storage {
  const things = new Map<string, Stored>();
  const isAlive = ({ expiresAtMs, goneAtMs }: Stored): boolean =>
    Date.now() < Math.min(expiresAtMs, goneAtMs);
  const find = (model: string, id: string): Stored | undefined => {
    const thing = things.get(`${model} ${id}`);
    return thing !== undefined && isAlive(thing) ? thing : undefined;
  };

  const adapter = (model: string): Adapter => ({
    upsert: async (id, payload, expiresIn) => {
      const expiresAtMs = expiresIn === undefined ? never : Date.now() + expiresIn * 1000;
      const fresh = { expiresAtMs, consumedAtMs: never, goneAtMs: never };
      things.set(`${model} ${id}`, { model, id, payload: structuredClone(payload), ...fresh });
    },
    find: async (id) => {
      const thing = find(model, id);
      if (thing === undefined) return undefined;
      return Date.now() < thing.consumedAtMs ? thing.payload : { ...thing.payload, consumed: true };
    },
    findByUid: async () => undefined,
    findByUserCode: async () => undefined,
    consume: async (id) => {
      const thing = find(model, id);
      if (thing !== undefined) thing.consumedAtMs = Math.min(thing.consumedAtMs, Date.now() + leewayMs);
    },
    destroy: async (id) => {
      const thing = find(model, id);
      // A registration access token is destroyed when another one replaces it.
      const leeway = model === 'RegistrationAccessToken' ? leewayMs : 0;
      if (thing !== undefined) thing.goneAtMs = Math.min(thing.goneAtMs, Date.now() + leeway);
    },
    revokeByGrantId: async (grantId) => {
      if (keepsGrant()) return;
      for (const thing of things.values())
        if (thing.model === model && thing.payload.grantId === grantId) thing.goneAtMs = 0;
    },
  });

  return {
    adapter,
    alive: (clientId) =>
      [...things.values()]
        .filter((thing) => thing.payload.clientId === clientId && isAlive(thing))
        .map(
          ({ model, id, consumedAtMs }) => `${model} ${id}${Date.now() < consumedAtMs ? '' : ' consumed'}`,
        ),
  };
}
