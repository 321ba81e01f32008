// Takes the place of Lambda's runtime for Node.js. It imports the handler from the file that the argument names. Each line
// of stdin is an event in JSON. It calls the handler with the event, and answers with a line of JSON on file descriptor 3.
// It is plain JavaScript, so that Node.js spends no time on stripping types.
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const [, , file = ''] = process.argv;
const { handler } = await import(pathToFileURL(file).href);
const context = {
  awsRequestId: 'request',
  functionName: 'rotation',
  functionVersion: '$LATEST',
  invokedFunctionArn: 'arn:aws:lambda:us-east-1:123456789012:function:rotation',
  memoryLimitInMB: '256',
  getRemainingTimeInMillis: () => 30_000,
};

for await (const line of createInterface({ input: process.stdin })) {
  const answer = await handler(JSON.parse(line), context).then(
    () => ({}),
    (error) => ({ error: String(error) }),
  );
  writeSync(3, `${JSON.stringify(answer)}\n`);
}
process.exit();
