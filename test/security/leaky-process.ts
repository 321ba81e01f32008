import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { createRotationHandler } from '../../src/index.ts';
import { createLambdaHandler } from '../../src/powertools.ts';
import { lambdaContext } from '../support/lambda-context.ts';
import { leakyRotator } from './leaky-rotator.ts';

/**
 * A function whose driver prints a warning, or fails after the invocation. Its arguments: the Secrets Manager's URL, how the
 * driver leaks, and the event.
 */
const [endpoint = '', leak = '', event = ''] = process.argv.slice(2);

const drivers: Readonly<Record<string, (password: string) => void>> = {
  'a warning': (password) => {
    const detail = `connect with ${password}`;
    process.emitWarning(`The URL postgres://app:${encodeURIComponent(password)}@host:x is invalid.`, {
      detail,
    });
  },
  'an error that nobody catches': (password) => {
    setImmediate(() => {
      throw Object.assign(new Error(`lost ${password}`), {
        config: { password },
        sql: `PASSWORD '${password}'`,
      });
    });
  },
  'a frozen error that nobody catches': (password) => {
    setImmediate(() => {
      throw Object.freeze(new Error(`lost ${password}`));
    });
  },
  'a rejection that nobody handles': (password) => {
    void Promise.reject(new Error(`lost ${password}`, { cause: new Error(password) }));
  },
  'a rejection that is no error': (password) => {
    void Promise.reject(`lost ${password}`);
  },
};

const rotator = leakyRotator(async (_activity, { password }) => {
  drivers[leak]?.(password);
  // Waits until Node.js has printed it.
  await new Promise((resolve) => setTimeout(resolve, 100));
  throw new Error('The driver has failed.');
});
const credentials = { accessKeyId: 'FUNCTION', secretAccessKey: 'x' };
const client = new SecretsManagerClient({ endpoint, region: 'us-east-1', credentials });
const handler = createLambdaHandler({}, (telemetry) =>
  createRotationHandler({ rotators: [rotator], client, telemetry }),
);
const context = lambdaContext();
await handler(JSON.parse(event), context).catch((error: unknown) => console.error(error));
