import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import {
  GetSecretValueCommand,
  type GetSecretValueCommandOutput,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';

/**
 * A stand-in for the AWS Secrets Manager Agent and for the AWS Parameters and Secrets Lambda Extension, by their
 * documented protocol: a token in a header, a cache with an age, errors as the agent passes them on. What it does not know
 * it refuses.
 *
 * @see https://github.com/aws/aws-secretsmanager-agent
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/retrieving-secrets_lambda.html
 */
export interface AgentStandIn {
  readonly port: number;
  /** Queries that were answered, in order. */
  readonly queries: string[];
  /** The calls that it has made to Secrets Manager. */
  calls: number;
  /** How many more requests it answers with "not ready", as the extension does while the function starts. */
  notReady: number;
  token: string;
  stop(): Promise<void>;
}

const known = ['secretId', 'versionId', 'versionStage', 'refreshNow'];

/** @param refreshes whether it knows `refreshNow`, as the agent does */
export async function startAgentStandIn(
  client: SecretsManagerClient,
  refreshes: boolean,
): Promise<AgentStandIn> {
  const cache = new Map<string, object>();
  const read = async (query: URLSearchParams): Promise<object> => {
    const [SecretId, VersionId, VersionStage] = known.slice(0, 3).map((name) => query.get(name) ?? undefined);
    const key = JSON.stringify([SecretId, VersionId, VersionStage]);
    const cached = cache.get(key);
    if (cached !== undefined && query.get('refreshNow') !== 'true') return cached;
    agent.calls += 1;
    const answer = await client.send(new GetSecretValueCommand({ SecretId, VersionId, VersionStage }));
    const value = bodyOf(answer);
    cache.set(key, value);
    return value;
  };
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const say = (status: number, body: string): void => void response.writeHead(status).end(body);
    if (request.headers['x-forwarded-for'] !== undefined) return say(400, 'Forwarded');
    if (request.headers['x-aws-parameters-secrets-token'] !== agent.token) return say(403, 'Bad Token');
    if (request.method !== 'GET') return say(405, 'Not allowed');
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    if (pathname !== '/secretsmanager/get') return say(404, 'Not found');
    if (agent.notReady > 0) {
      agent.notReady -= 1;
      return say(400, 'not ready to serve traffic, please wait');
    }
    const allowed = refreshes ? known : known.slice(0, 3);
    const unknown = [...searchParams.keys()].find((name) => !allowed.includes(name));
    if (unknown !== undefined) return say(400, `unknown parameter: ${unknown}`);
    agent.queries.push(searchParams.toString());
    try {
      say(200, JSON.stringify(await read(searchParams)));
    } catch (error) {
      const { name, message } = error instanceof Error ? error : new Error(String(error));
      say(400, JSON.stringify({ __type: name, message }));
    }
  };
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  }).listen(0, 'localhost');
  await once(server, 'listening');
  const address = server.address();
  const agent: AgentStandIn = {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    queries: [],
    calls: 0,
    notReady: 0,
    token: 'the token of this function',
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return agent;
}

function bodyOf({
  ARN,
  Name,
  VersionId,
  SecretString,
  SecretBinary,
  VersionStages,
}: GetSecretValueCommandOutput): object {
  const binary =
    SecretBinary === undefined ? {} : { SecretBinary: Buffer.from(SecretBinary).toString('base64') };
  return { ARN, Name, VersionId, SecretString, ...binary, VersionStages };
}
