import type { RDSClient } from '@aws-sdk/client-rds';
import { stepFor } from '../doctor/causes.ts';
import { isKeyturnError, KeyturnError, messageOf } from '../errors.ts';
import { missing } from '../optional-package.ts';
import type { RdsEndpoint, RdsPort } from './port.ts';

/** The RDS SDK, loaded when first used: most rotations never need it. */
type Sdk = typeof import('@aws-sdk/client-rds');

/** How the RDS API is called. */
export interface RdsOptions {
  /** Ends calls that have no answer yet. */
  readonly signal: AbortSignal;
  /** Makes the client. Tests pass one for an API that is not AWS's. */
  readonly createClient?: (sdk: Sdk) => RDSClient;
}

function failed(problem: string, cause?: unknown): KeyturnError {
  return new KeyturnError('RdsFailed', problem, stepFor('RdsFailed'), { cause });
}

function endpoint(arn: string, host?: string, port?: number, engine?: string): RdsEndpoint {
  if (host === undefined || engine === undefined) throw failed(`RDS tells no endpoint for ${arn}.`);
  return { host, port, engine };
}

/** Reads the identifier of an RDS endpoint: IDENTIFIER.HASH.REGION.rds.amazonaws.com (or .com.cn). */
function instanceIdentifier(host: string): string | undefined {
  return /^([a-z][a-z0-9-]*)\.[a-z0-9]+\.[a-z0-9-]+\.rds\.amazonaws\.com(\.cn)?$/.exec(
    host.toLowerCase(),
  )?.[1];
}

function undefinedIfMissing(error: unknown): undefined {
  if (error instanceof Error && error.name === 'DBInstanceNotFoundFault') return undefined;
  throw error;
}

/** A VPC without a way to the RDS API drops packets. The time-out keeps a step from waiting until its own time is up. */
function inTime(sdk: Sdk): RDSClient {
  return new sdk.RDSClient({ requestHandler: { connectionTimeout: 3_000 } });
}

async function loadSdk(): Promise<Sdk> {
  try {
    return await import('@aws-sdk/client-rds');
  } catch (error) {
    return missing('@aws-sdk/client-rds')(error);
  }
}

/** The port on the AWS SDK. */
export function createAwsRds({ signal, createClient = inTime }: RdsOptions): RdsPort {
  let loading: Promise<{ sdk: Sdk; client: RDSClient }> | undefined;
  const load = (): Promise<{ sdk: Sdk; client: RDSClient }> => {
    loading ??= loadSdk().then((sdk) => ({ sdk, client: createClient(sdk) }));
    return loading;
  };
  const describeInstance = async (id: string) => {
    const { sdk, client } = await load();
    const command = new sdk.DescribeDBInstancesCommand({ DBInstanceIdentifier: id });
    return (await client.send(command, { abortSignal: signal })).DBInstances?.[0];
  };
  const describeCluster = async (id: string) => {
    const { sdk, client } = await load();
    const command = new sdk.DescribeDBClustersCommand({ DBClusterIdentifier: id });
    return (await client.send(command, { abortSignal: signal })).DBClusters?.[0];
  };
  const explained = async <T>(what: string, call: () => Promise<T>): Promise<T> => {
    try {
      return await call();
    } catch (error) {
      throw isKeyturnError(error)
        ? error
        : failed(`RDS could not describe ${what}: ${messageOf(error)}.`, error);
    }
  };

  return {
    instance: (arn) =>
      explained(arn, async () => {
        const found = await describeInstance(arn);
        return endpoint(arn, found?.Endpoint?.Address, found?.Endpoint?.Port, found?.Engine);
      }),
    cluster: (arn) =>
      explained(arn, async () => {
        const found = await describeCluster(arn);
        return endpoint(arn, found?.Endpoint, found?.Port, found?.Engine);
      }),
    isReadReplica: async (host, sourceHost) => {
      const replica = instanceIdentifier(host);
      const source = instanceIdentifier(sourceHost);
      if (replica === undefined || source === undefined) return false;
      const found = await explained(replica, () => describeInstance(replica).catch(undefinedIfMissing));
      // Somebody else's host name could have the same identifier, so the whole address is compared.
      const isThatInstance = found?.Endpoint?.Address?.toLowerCase() === host.toLowerCase();
      return isThatInstance && found?.ReadReplicaSourceDBInstanceIdentifier === source;
    },
  };
}
