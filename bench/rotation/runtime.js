// Stands where Lambda's runtime for Node.js stands: imports the handler of the file that it is given, calls it with
// the events that come as lines of JSON on stdin, and answers each with a line on file descriptor 3. Plain
// JavaScript, so that no time goes into stripping types.
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
