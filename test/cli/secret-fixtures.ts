import { CreateSecretCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';

/** Stores secrets by name. */
export async function createSecrets(
  client: SecretsManagerClient,
  secrets: Readonly<Record<string, string>>,
): Promise<void> {
  for (const [Name, SecretString] of Object.entries(secrets)) {
    await client.send(new CreateSecretCommand({ Name, SecretString }));
  }
}
