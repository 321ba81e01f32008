import type { SecretsManagerSender } from './sdk.ts';
import type { SecretSource } from './source.ts';

/**
 * Reads from Secrets Manager by the AWS SDK, which is loaded with the first read.
 *
 * @param client default: one with the SDK's own defaults
 */
export function secretsManager(client?: SecretsManagerSender): SecretSource {
  let sender = client;
  const load = async () => {
    const sdk = await import('./sdk.ts');
    sender ??= sdk.defaultClient();
    return { sdk, sender };
  };
  return {
    read: async (request) => {
      const { sdk, sender } = await load();
      return sdk.read(sender, request);
    },
    readMany: async (secretIds, signal) => {
      const { sdk, sender } = await load();
      return sdk.readMany(sender, secretIds, signal);
    },
  };
}
