import type { LambdaClient } from '@aws-sdk/client-lambda';
import { missing } from '../../optional-package.ts';
import { functionName } from '../arn.ts';

/** No function of Lambda runs for longer than 15 minutes. */
const longestRunMs = 900_000;

/** A Lambda Invoke API somewhere else. */
export interface InvokeEndpoint {
  /** Calls a function and waits for its answer. Rejects if the function fails or can't be reached. */
  invoke(arn: string, request: object): Promise<unknown>;
  close(): void;
}

/** An endpoint by its URL, such as that of `sam local start-lambda`. Its client is loaded with the first call. */
export function lambdaEndpoint(url: string, region: string): InvokeEndpoint {
  let client: Promise<LambdaClient> | undefined;
  return {
    async invoke(arn, request) {
      client ??= createClient(url, region);
      return invoke(await client, arn, request);
    },
    // If the client could not be loaded, the call that needed it has failed already.
    close: () => void client?.then((loaded) => loaded.destroy()).catch(() => undefined),
  };
}

async function loadSdk() {
  try {
    return await import('@aws-sdk/client-lambda');
  } catch (error) {
    return missing('@aws-sdk/client-lambda')(error);
  }
}

async function createClient(endpoint: string, region: string): Promise<LambdaClient> {
  const { LambdaClient } = await loadSdk();
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const requestHandler = { requestTimeout: longestRunMs, throwOnRequestTimeout: true };
  // As on AWS, the rotation is retried as a whole, and not a single call.
  return new LambdaClient({ endpoint, region, credentials, requestHandler, maxAttempts: 1 });
}

/** Calls by name, because SAM's local Lambda doesn't know ARNs. */
async function invoke(client: LambdaClient, arn: string, request: object): Promise<unknown> {
  const { InvokeCommand } = await loadSdk();
  const answer = await client.send(
    new InvokeCommand({ FunctionName: functionName(arn), Payload: Buffer.from(JSON.stringify(request)) }),
  );
  if (answer.FunctionError) throw functionError(answer.FunctionError, answer.Payload);
  return parsePayload(answer.Payload);
}

/** @see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-exceptions.html */
function functionError(kind: string, payload: Uint8Array | undefined): Error {
  const { errorType = kind, errorMessage = 'no message' } = errorIn(parsePayload(payload));
  const error = new Error(errorMessage);
  error.name = errorType;
  return error;
}

/** Undefined for a payload that isn't JSON. */
function parsePayload(payload: Uint8Array | undefined): unknown {
  try {
    return JSON.parse(Buffer.from(payload ?? []).toString('utf8'));
  } catch {
    return undefined;
  }
}

function errorIn(parsed: unknown): { errorType?: string; errorMessage?: string } {
  if (typeof parsed !== 'object' || parsed === null) return {};
  return { ...textMember(parsed, 'errorType'), ...textMember(parsed, 'errorMessage') };
}

function textMember(value: object, name: string): Record<string, string> {
  const member: unknown = Reflect.get(value, name);
  return typeof member === 'string' ? { [name]: member } : {};
}
