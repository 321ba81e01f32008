import { type Activity, type RotatorContext, requireText } from '../../src/index.ts';
import type { ChangingRotator } from '../../src/rotator/index.ts';

export interface Login {
  readonly host: string;
  readonly username: string;
  readonly password: string;
}

/** What a driver does with a credential that it was given. */
export type Leak = (activity: Activity, login: Login, context: RotatorContext) => Promise<void>;

/** A stand-in for a rotator, without a target. Only what its driver says matters. */
export function leakyRotator(leak: Leak): ChangingRotator<Login> {
  return {
    kind: 'changes',
    name: 'leaky',
    engines: ['leaky'],
    overlap: 'none',
    changedBy: 'account',
    parse: (fields) => ({
      host: requireText(fields, 'host'),
      username: requireText(fields, 'username'),
      password: requireText(fields, 'client_secret'),
    }),
    target: ({ host, username }) => ({ host, account: username }),
    generate: async (_current, { password }) => ({ client_secret: password() }),
    open: async () => ({ close: async () => undefined }),
    change: (_session, pending, context) => leak('change', pending, context),
    preflight: async (_session, login, _admin, context) => {
      await leak('preflight', login, context);
      return [{ check: login.password, ok: false, detail: `it is ${login.password}` }];
    },
  };
}
