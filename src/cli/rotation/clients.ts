import type { LambdaClient } from '@aws-sdk/client-lambda';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { missing } from '../../optional-package.ts';
import type { SecretArguments } from './arguments.ts';

/** AWS's clients, made when first used. */
export interface Clients {
  secretsManager(): Promise<SecretsManagerClient>;
  lambda(): Promise<LambdaClient>;
}

interface ClientConfig {
  readonly endpoint?: string;
  readonly region?: string;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** Finds endpoint, region and credentials as the AWS CLI does; on this machine it does without the last two. */
export function connect(
  { secret, endpoint, region }: Pick<SecretArguments, 'secret' | 'endpoint' | 'region'>,
  environment: NodeJS.ProcessEnv,
): Clients {
  const url = endpoint ?? environment.AWS_ENDPOINT_URL_SECRETS_MANAGER ?? environment.AWS_ENDPOINT_URL;
  const isHere = url !== undefined && isLoopback(url);
  const config = {
    ...regionConfig(
      region ?? regionOf(secret) ?? regionIn(environment) ?? (isHere ? 'us-east-1' : undefined),
    ),
    ...(isHere && !hasCredentials(environment) ? { credentials: localCredentials } : {}),
  };
  const lambdaUrl =
    endpoint ??
    environment.AWS_ENDPOINT_URL_LAMBDA ??
    environment.AWS_ENDPOINT_URL ??
    (isHere ? url : undefined);
  const secretsManager = once(async () => {
    const { SecretsManagerClient } = await import('@aws-sdk/client-secrets-manager');
    return new SecretsManagerClient(at(url, config));
  });
  const lambda = once(async () => {
    const { LambdaClient } = await import('@aws-sdk/client-lambda').catch(missing('@aws-sdk/client-lambda'));
    return new LambdaClient(at(lambdaUrl, config));
  });
  return { secretsManager, lambda };
}

/** What `keyturn local` takes: it asks for a signature's form and knows no accounts. */
const localCredentials = { accessKeyId: 'local', secretAccessKey: 'local' };

function at(endpoint: string | undefined, config: ClientConfig): ClientConfig {
  return endpoint === undefined ? config : { ...config, endpoint };
}

function regionConfig(region: string | undefined): ClientConfig {
  return region === undefined ? {} : { region };
}

/** The region of an ARN; undefined for a name. */
export function regionOf(secret: string): string | undefined {
  return /^arn:[^:]+:secretsmanager:([^:]+):/.exec(secret)?.[1];
}

/** The SDK itself doesn't know AWS_DEFAULT_REGION, which the AWS CLI reads. */
function regionIn(environment: NodeJS.ProcessEnv): string | undefined {
  return environment.AWS_REGION || environment.AWS_DEFAULT_REGION || undefined;
}

function hasCredentials(environment: NodeJS.ProcessEnv): boolean {
  return Boolean(environment.AWS_ACCESS_KEY_ID || environment.AWS_PROFILE);
}

function isLoopback(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { hostname } = new URL(url);
  return hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
