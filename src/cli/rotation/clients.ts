import type { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import type { EC2Client } from '@aws-sdk/client-ec2';
import type { KMSClient } from '@aws-sdk/client-kms';
import type { LambdaClient } from '@aws-sdk/client-lambda';
import type { S3Client } from '@aws-sdk/client-s3';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { SFNClient } from '@aws-sdk/client-sfn';
import type { STSClient } from '@aws-sdk/client-sts';
import { KeyturnError } from '../../errors.ts';
import { missing } from '../../optional-package.ts';
import type { SecretArguments } from './arguments.ts';
import { requireProfile } from './profile.ts';

/** AWS's clients, made when first used. */
export interface Clients {
  secretsManager(): Promise<SecretsManagerClient>;
  lambda(): Promise<LambdaClient>;
  logs(): Promise<CloudWatchLogsClient>;
  ec2(): Promise<EC2Client>;
  kms(): Promise<KMSClient>;
  sfn(): Promise<SFNClient>;
  s3(): Promise<S3Client>;
  sts(): Promise<STSClient>;
}

/** The credentials that calls are signed with. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

interface ClientConfig {
  readonly endpoint?: string;
  readonly region?: string;
  readonly credentials?: Credentials;
  readonly profile?: string;
}

/** What clients are made for. */
export interface ClientsTarget extends Pick<SecretArguments, 'secret' | 'endpoint' | 'region'> {
  /** A profile of the AWS CLI, in place of AWS_PROFILE. */
  readonly profile?: string | undefined;
}

/**
 * Finds endpoint, region and credentials as the AWS CLI does. A Secrets Manager on this machine needs neither region nor
 * credentials.
 *
 * @param credentials used instead of those that would be found
 * @throws InvalidConfiguration if the profile does not exist
 */
export function connect(
  { secret, endpoint, region, profile }: ClientsTarget,
  surroundings: NodeJS.ProcessEnv,
  credentials?: Credentials,
): Clients {
  requireProfile(surroundings, profile);
  const environment = profile === undefined ? surroundings : { ...surroundings, AWS_PROFILE: profile };
  const url = endpoint ?? environment.AWS_ENDPOINT_URL_SECRETS_MANAGER ?? environment.AWS_ENDPOINT_URL;
  const isHere = url !== undefined && isLoopback(url);
  const config = {
    ...regionConfig(
      region ?? regionOf(secret) ?? regionIn(environment) ?? (isHere ? 'us-east-1' : undefined),
    ),
    ...(isHere && !hasCredentials(environment) ? { credentials: localCredentials } : {}),
    ...(credentials === undefined ? {} : { credentials }),
    ...(profile === undefined ? {} : { profile }),
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
  /**
   * If Secrets Manager is on this machine, no other service is called in the cloud: it would know nothing of these
   * secrets. Such a service needs an endpoint of its own.
   *
   * @throws InvalidConfiguration if it has none
   */
  const configFor = (name: string, variable: string): ClientConfig => {
    const own =
      environment[`AWS_ENDPOINT_URL_${variable}`] ??
      (endpoint === undefined ? environment.AWS_ENDPOINT_URL : undefined);
    if (own !== undefined) return { ...config, endpoint: own, ...(isLoopback(own) ? forLoopback : {}) };
    if (!isHere) return config;
    throw new KeyturnError(
      'InvalidConfiguration',
      `A Secrets Manager on this machine has no ${name}.`,
      `Name one by AWS_ENDPOINT_URL_${variable}.`,
    );
  };
  const forLoopback =
    credentials !== undefined || hasCredentials(environment) ? {} : { credentials: localCredentials };
  const logs = once(async () => {
    const place = configFor('CloudWatch Logs', 'CLOUDWATCH_LOGS');
    const name = '@aws-sdk/client-cloudwatch-logs';
    const { CloudWatchLogsClient } = await import('@aws-sdk/client-cloudwatch-logs').catch(missing(name));
    return new CloudWatchLogsClient(place);
  });
  const ec2 = once(async () => {
    const place = configFor('EC2', 'EC2');
    const { EC2Client } = await import('@aws-sdk/client-ec2').catch(missing('@aws-sdk/client-ec2'));
    return new EC2Client(place);
  });
  const kms = once(async () => {
    const place = configFor('KMS', 'KMS');
    const { KMSClient } = await import('@aws-sdk/client-kms').catch(missing('@aws-sdk/client-kms'));
    return new KMSClient(place);
  });
  const sfn = once(async () => {
    const place = configFor('Step Functions', 'SFN');
    const { SFNClient } = await import('@aws-sdk/client-sfn').catch(missing('@aws-sdk/client-sfn'));
    return new SFNClient(place);
  });
  const s3 = once(async () => {
    const place = configFor('S3', 'S3');
    const { S3Client } = await import('@aws-sdk/client-s3').catch(missing('@aws-sdk/client-s3'));
    // On a server of this machine, a bucket has no host name of its own.
    return new S3Client({ ...place, forcePathStyle: place.endpoint !== undefined });
  });
  const sts = once(async () => {
    const { STSClient } = await import('@aws-sdk/client-sts').catch(missing('@aws-sdk/client-sts'));
    // A local Secrets Manager answers for STS too.
    const own = endpoint ?? environment.AWS_ENDPOINT_URL_STS ?? environment.AWS_ENDPOINT_URL;
    return new STSClient(at(own ?? (isHere ? url : undefined), config));
  });
  return { secretsManager, lambda, logs, ec2, kms, sfn, s3, sts };
}

/** Without --enforce, `keyturn local` takes any access key. This one means its default account. */
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
