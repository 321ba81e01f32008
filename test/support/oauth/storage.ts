import type { Adapter, AdapterPayload } from 'oidc-provider';

/** One thing that the server has issued. */
interface Stored {
  readonly model: string;
  readonly id: string;
  readonly payload: AdapterPayload;
  /** When it ends by itself, is used up, or is gone; ms since the epoch. */
  expiresAtMs: number;
  consumedAtMs: number;
  goneAtMs: number;
}

/** How forgiving a server is to a client that has not heard the answer to its last request. */
export interface Leniency {
  /** For so long, in ms, works what was replaced: client secrets, registration access tokens, refresh tokens. */
  readonly leewayMs: number;
}

/** All that a server has issued, in memory. */
export interface Storage {
  adapter(model: string): Adapter;
  /** What is alive of a client: models and ids. */
  alive(clientId: string): string[];
}

const never = Number.POSITIVE_INFINITY;

/** @param keepsGrant asked when a grant is to be revoked with one of its tokens */
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
      // A registration access token is destroyed where another one takes its place.
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
