import { startLocalSecretsManager } from '../../src/local/index.ts';

/**
 * Waits until it is told a folder, so that the process can start before it is needed. Then it serves the folder, and
 * tells the port, until it is killed.
 */
process.once('message', async (dataDirectory: string) => {
  const { url } = await startLocalSecretsManager({ dataDirectory });
  process.send?.(Number(new URL(url).port));
});
