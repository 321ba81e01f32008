import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { randomString } from '../../rotators/random/index.ts';
import { createRotationHandler, isKeyturnError } from '../../src/index.ts';

/**
 * A rotation function behind Lambda's Invoke API, with the credentials of its environment: what another account's
 * function is to `keyturn local --lambda-endpoint`.
 */
const { values } = parseArgs({ options: { port: { type: 'string', default: '4585' } } });
const handler = createRotationHandler({
  rotators: [randomString()],
  client: new SecretsManagerClient({}),
});

createServer(async (request, response) => {
  try {
    await handler(await json(request));
    response.end('null');
  } catch (error) {
    // Of an event that is no JSON, JSON.parse would quote a part, which can be the RotationToken.
    const errorMessage = isKeyturnError(error) ? error.message : 'The event is no JSON.';
    response.setHeader('X-Amz-Function-Error', 'Unhandled').end(JSON.stringify({ errorMessage }));
  }
}).listen(Number(values.port), '127.0.0.1', () => {
  process.stdout.write(`Functions answer on http://127.0.0.1:${values.port}\n`);
});
