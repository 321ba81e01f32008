import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import type { Context } from 'aws-lambda';
import { wholeNumber } from '../scripts/program.ts';
import { isKeyturnError } from '../src/index.ts';
import { handler } from '../src/lambda.ts';

const help = `Runs the deployed function on this machine, for keyturn local --lambda-endpoint

Usage: npx node examples/function.ts [--port N]

It reads the variables of the function, and logs as the function does. It finds Secrets Manager by
AWS_ENDPOINT_URL_SECRETS_MANAGER, and its credentials as every AWS SDK does. Ctrl-C ends it.

Options:
  --port N   Port to listen on, 0 for any that is free (default: 4585)
  --help     Show this text
`;

/** The function's time-out in the template, in ms. */
const timeoutMs = 60_000;

function createContext(): Context {
  const endsAt = Date.now() + timeoutMs;
  const name = 'keyturn';
  return {
    awsRequestId: randomUUID(),
    callbackWaitsForEmptyEventLoop: true,
    functionName: name,
    functionVersion: '$LATEST',
    invokedFunctionArn: `arn:aws:lambda:us-east-1:123456789012:function:${name}`,
    logGroupName: `/aws/lambda/${name}`,
    logStreamName: 'local',
    memoryLimitInMB: '512',
    getRemainingTimeInMillis: () => endsAt - Date.now(),
    done: () => undefined,
    fail: () => undefined,
    succeed: () => undefined,
  };
}

/** Serves Lambda's Invoke API. Any function name invokes this function. */
function serve(port: number): void {
  const server = createServer(async (request, response) => {
    try {
      const answer = await handler(await json(request), createContext());
      response.end(JSON.stringify(answer ?? null));
    } catch (error) {
      // An error of JSON.parse quotes a part of the event. That part can be the RotationToken, so it is not shown.
      const known = isKeyturnError(error);
      const errorType = known ? error.code : 'InvalidEvent';
      const errorMessage = known ? error.message : 'The event could not be read.';
      response
        .setHeader('X-Amz-Function-Error', 'Unhandled')
        .end(JSON.stringify({ errorType, errorMessage }));
    }
  });
  server.listen(port, '127.0.0.1', () => {
    const address = server.address();
    const actual = address !== null && typeof address === 'object' ? address.port : port;
    process.stdout.write(`The function answers on http://127.0.0.1:${actual}\n`);
  });
}

try {
  const { values } = parseArgs({
    options: { port: { type: 'string', default: '4585' }, help: { type: 'boolean', default: false } },
  });
  if (values.help) process.stdout.write(help);
  else serve(wholeNumber('port', values.port));
} catch (error) {
  process.stderr.write(`function: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
