import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { PostgresServer } from '../../test/support/postgres-server.ts';
import { isAccepted, type Login, refusal } from './database.ts';
import type { Screen } from './screen.ts';
import { readSecret, type StoredSecret } from './secrets.ts';

/** Earlier values of the secret. */
export interface OldValues {
  /** Stored before any rotation. */
  readonly first: StoredSecret;
  /** Stored before this rotation. */
  readonly previous: StoredSecret;
}

/** Whether PostgreSQL accepts the secret's new and earlier logins. */
export interface Proof {
  readonly now: StoredSecret;
  readonly newAccepted: boolean;
  readonly previousAccepted: boolean;
  readonly firstAccepted: boolean;
}

/** Reads the secret as an application does, and tries the new and the earlier logins at PostgreSQL. */
export async function prove(
  client: SecretsManagerClient,
  postgres: PostgresServer,
  old: OldValues,
): Promise<Proof> {
  const now = await readSecret(client);
  const accepts = ({ login }: StoredSecret): Promise<boolean> => isAccepted(postgres, login);
  const [newAccepted, previousAccepted, firstAccepted] = await Promise.all(
    [now, old.previous, old.first].map(accepts),
  );
  return {
    now,
    newAccepted: newAccepted === true,
    previousAccepted: previousAccepted === true,
    firstAccepted: firstAccepted === true,
  };
}

export function showProof(screen: Screen, old: OldValues, proof: Proof, alternating: boolean): void {
  const previous = old.previous.login;
  screen.gap();
  screen.fact('the secret now', describeChange(proof.now.login, previous));
  screen.fact('the rest of it', proof.now.rest === old.previous.rest ? 'as before' : 'changed');
  screen.fact('new password', `${verdict(proof.newAccepted)} by PostgreSQL`);
  if (!alternating) {
    screen.fact('old password', `${verdict(proof.previousAccepted)} by PostgreSQL`);
    return;
  }
  screen.fact(
    'previous user',
    `${verdict(proof.previousAccepted)}: ${previous.username} still works, until the next rotation`,
  );
  if (old.first !== old.previous) {
    screen.fact('first password', `${verdict(proof.firstAccepted)} by PostgreSQL`);
  }
}

function describeChange(now: Login, previous: Login): string {
  const changed = now.password === previous.password ? 'not changed' : 'changed';
  return `user ${now.username}, password: ${now.password.length} characters, ${changed}`;
}

function verdict(accepted: boolean): string {
  return accepted ? 'accepted' : `refused (${refusal})`;
}
