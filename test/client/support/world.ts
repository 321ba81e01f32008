import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SecretsManagerClient as Client } from '@aws-sdk/client-secrets-manager';
import {
  createSecrets,
  type Secret,
  type SecretEvent,
  type SecretsOptions,
} from '../../../src/client/index.ts';
import type { RotationFixture } from '../../support/rotation-fixture.ts';

/** An application that reads a secret of a fixture, with an access key of its own. */
export interface Application {
  readonly secret: Secret;
  readonly events: SecretEvent[];
  /** Operations that it has called at the local Secrets Manager. */
  readonly calls: string[];
  /** How often it was refused, and how often it survived that. */
  count(type: SecretEvent['type']): number;
  close(): void;
}

let applications = 0;

/** Starts an application at a fixture's Secrets Manager. */
export function startApplication(
  { local }: RotationFixture,
  arn: string,
  options: SecretsOptions = {},
): Application {
  applications += 1;
  const accessKeyId = `APPLICATION${applications}`;
  const client: SecretsManagerClient = new Client({
    ...local.clientConfig,
    credentials: { accessKeyId, secretAccessKey: 'unused' },
  });
  const [events, calls]: [SecretEvent[], string[]] = [[], []];
  const stop = local.on((event) => {
    if (event.type === 'call' && event.accessKeyId === accessKeyId) calls.push(event.operation);
  });
  const secrets = createSecrets({ client, onEvent: (event) => events.push(event), ...options });
  return {
    secret: secrets.secret(arn),
    events,
    calls,
    count: (type) => events.filter((event) => event.type === type).length,
    close: () => {
      stop();
      client.destroy();
    },
  };
}

/** Works without pause in several places at once until `act` is over. @returns how often, and the errors */
export async function underLoad(
  places: number,
  work: () => Promise<unknown>,
  act: () => Promise<unknown>,
): Promise<{ readonly done: number; readonly errors: unknown[] }> {
  let [done, isOver] = [0, false];
  const errors: unknown[] = [];
  const working = Array.from({ length: places }, async () => {
    while (!isOver) {
      await work().then(
        () => {
          done += 1;
        },
        (error: unknown) => errors.push(error),
      );
      // Lets the event loop turn, even if the work is synchronous.
      await new Promise((resolve) => setImmediate(resolve));
    }
  });
  try {
    await act();
  } finally {
    isOver = true;
    await Promise.all(working);
  }
  return { done, errors };
}
