import { setTimeout as sleep } from 'node:timers/promises';
import { GetResourcePolicyCommand } from '@aws-sdk/client-secrets-manager';
import type {
  DescribedRotation,
  FunctionNetwork,
  FunctionState,
  LogFacts,
  LoggedFailure,
  PolicyDenial,
  Surroundings,
  WayToSecretsManager,
} from '../../doctor/facts.ts';
import { type Peer, type SecurityGroup, type Vpc, wayToSecretsManager } from '../../doctor/network.ts';
import { denialIn } from '../../doctor/resource-policy.ts';
import { isKeyturnError } from '../../errors.ts';
import { explainAwsError } from '../../secrets-manager/errors.ts';
import type { Clients } from '../rotation/clients.ts';
import { letsSecretsManagerIn } from '../rotation/function.ts';

/** What could be looked at, and what could not. */
export interface Seen {
  readonly surroundings: Surroundings;
  /** One sentence for each source that could not be looked at, with the reason. */
  readonly notes: readonly string[];
}

/** How many hours of the function's log are searched. */
const logHours = 24;
/** How long to wait for the answer of Logs Insights. */
const queryTimeoutMs = 15_000;
const queryPollMs = 250;

/**
 * Looks at everything around a secret that may keep it from being rotated. Changes nothing. If a call is refused, or the
 * client for it is not installed, a note says so, and the other sources are still looked at.
 */
export async function lookAround(clients: Clients, secret: DescribedRotation): Promise<Seen> {
  const notes: string[] = [];
  const { functionArn, arn, kmsKeyId } = secret;
  const ask = async <T>(what: string, action: string, resource: string, call: () => Promise<T>) => {
    try {
      return await call();
    } catch (error) {
      const { message } = isKeyturnError(error)
        ? error
        : explainAwsError(error, { action, resource }, 'person');
      notes.push(`${what} could not be looked at. ${message}`);
      return undefined;
    }
  };
  const askFunction = <T>(what: string, action: string, call: (name: string) => Promise<T>) =>
    functionArn === undefined
      ? undefined
      : ask(what, `lambda:${action}`, functionArn, () => call(functionArn));

  const [found, invocable, reservedConcurrency, keyState, policy] = await Promise.all([
    askFunction("The function's configuration", 'GetFunctionConfiguration', (name) =>
      lookAtFunction(clients, name),
    ),
    askFunction("The function's policy", 'GetPolicy', (name) => lookAtInvocation(clients, name)),
    askFunction("The function's concurrency", 'GetFunctionConcurrency', (name) =>
      lookAtConcurrency(clients, name),
    ),
    kmsKeyId === undefined || kmsKeyId === 'alias/aws/secretsmanager'
      ? undefined
      : ask('The KMS key', 'kms:DescribeKey', kmsKeyId, () => lookAtKey(clients, kmsKeyId)),
    ask('The resource policy', 'secretsmanager:GetResourcePolicy', arn, () => readPolicy(clients, arn)),
  ]);
  const state = typeof found === 'object' ? found : undefined;
  const network = state?.vpc;
  const [log, way] = await Promise.all([
    state === undefined
      ? undefined
      : ask("The function's log", 'logs:StartQuery', state.logGroup, () =>
          readLog(clients, state.logGroup, arn, (why) =>
            notes.push(`The function's log could not be searched to its end. ${why}`),
          ),
        ),
    network === undefined
      ? undefined
      : ask("The function's VPC", 'ec2:DescribeVpcEndpoints', network.vpcId, () =>
          lookAtVpc(clients, network),
        ),
  ]);
  const deniedBy: PolicyDenial | undefined =
    policy === undefined || state?.roleArn === undefined ? undefined : denialIn(policy, state.roleArn);
  const surroundings = {
    function: found,
    invocable: found === 'missing' ? undefined : invocable,
    reservedConcurrency,
    log,
    network: way,
    keyState,
    deniedBy,
  };
  return { surroundings, notes };
}

async function lookAtFunction(clients: Clients, FunctionName: string): Promise<FunctionState | 'missing'> {
  const client = await clients.lambda();
  const { GetFunctionConfigurationCommand } = await import('@aws-sdk/client-lambda');
  try {
    const found = await client.send(new GetFunctionConfigurationCommand({ FunctionName }));
    const { VpcId = '', SubnetIds = [], SecurityGroupIds = [] } = found.VpcConfig ?? {};
    const failed = found.State === 'Failed' ? `its state is Failed: ${found.StateReason ?? ''}` : undefined;
    const notUpdated =
      found.LastUpdateStatus === 'Failed'
        ? `its last update failed: ${found.LastUpdateStatusReason ?? ''}`
        : undefined;
    return {
      broken: failed ?? notUpdated,
      timeoutSeconds: found.Timeout,
      roleArn: found.Role,
      vpc:
        SubnetIds.length === 0
          ? undefined
          : { vpcId: VpcId, subnetIds: SubnetIds, securityGroupIds: SecurityGroupIds },
      logGroup: found.LoggingConfig?.LogGroup ?? `/aws/lambda/${FunctionName.split(':')[6] ?? FunctionName}`,
    };
  } catch (error) {
    if (isMissing(error)) return 'missing';
    throw error;
  }
}

/** Lambda gives the same answer for a missing policy and for a missing function: ResourceNotFoundException. */
async function lookAtInvocation(clients: Clients, FunctionName: string): Promise<boolean> {
  const client = await clients.lambda();
  const { GetPolicyCommand } = await import('@aws-sdk/client-lambda');
  try {
    const { Policy = '' } = await client.send(new GetPolicyCommand({ FunctionName }));
    return letsSecretsManagerIn(Policy);
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

async function lookAtConcurrency(clients: Clients, FunctionName: string): Promise<number | undefined> {
  const client = await clients.lambda();
  const { GetFunctionConcurrencyCommand } = await import('@aws-sdk/client-lambda');
  try {
    const found = await client.send(new GetFunctionConcurrencyCommand({ FunctionName }));
    return found.ReservedConcurrentExecutions;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function lookAtKey(clients: Clients, KeyId: string): Promise<string | undefined> {
  const client = await clients.kms();
  const { DescribeKeyCommand } = await import('@aws-sdk/client-kms');
  const { KeyMetadata } = await client.send(new DescribeKeyCommand({ KeyId }));
  return KeyMetadata?.KeyState;
}

async function readPolicy(clients: Clients, SecretId: string): Promise<string | undefined> {
  const client = await clients.secretsManager();
  const { ResourcePolicy } = await client.send(new GetResourcePolicyCommand({ SecretId }));
  return ResourcePolicy;
}

/** Searches for the lines of Lambda, and for those of Powertools that src/powertools.ts writes for a failed step. */
async function readLog(
  clients: Clients,
  logGroupName: string,
  secretArn: string,
  onIncomplete: (why: string) => void,
): Promise<LogFacts> {
  const client = await clients.logs();
  const { GetQueryResultsCommand, StartQueryCommand } = await import('@aws-sdk/client-cloudwatch-logs');
  const endTime = Math.ceil(Date.now() / 1000);
  const queryString = [
    'fields @timestamp, @message, message, step, errorCode, errorMessage',
    `filter (secretArn = ${JSON.stringify(secretArn)} and message = "Rotation step failed") or @message like /Task timed out|Status: timeout|Runtime\\.[A-Z]/`,
    'sort @timestamp desc',
    'limit 50',
  ].join(' | ');
  const { queryId } = await client.send(
    new StartQueryCommand({ logGroupName, queryString, startTime: endTime - logHours * 3600, endTime }),
  );
  const startedAt = performance.now();
  for (;;) {
    const { status, results = [] } = await client.send(new GetQueryResultsCommand({ queryId }));
    const isOver = status !== 'Scheduled' && status !== 'Running';
    if (isOver || performance.now() - startedAt > queryTimeoutMs) {
      if (!isOver) onIncomplete(`Logs Insights did not answer within ${queryTimeoutMs / 1000} s.`);
      else if (status !== 'Complete') onIncomplete(`The query of Logs Insights ended as ${status}.`);
      return readRows(results.map((row) => new Map(row.map(({ field = '', value = '' }) => [field, value]))));
    }
    await sleep(queryPollMs);
  }
}

function readRows(rows: readonly ReadonlyMap<string, string>[]): LogFacts {
  const dateOf = (row: ReadonlyMap<string, string>): Date =>
    new Date(`${(row.get('@timestamp') ?? '').replace(' ', 'T')}Z`);
  const text = (row: ReadonlyMap<string, string>): string => row.get('@message') ?? '';
  const failures = rows
    .filter((row) => row.get('errorCode') !== undefined && row.get('message') === 'Rotation step failed')
    .map(
      (row): LoggedFailure => ({
        at: dateOf(row),
        step: row.get('step') ?? '',
        code: row.get('errorCode') ?? '',
        message: row.get('errorMessage') ?? '',
      }),
    );
  const others = rows.filter((row) => row.get('message') !== 'Rotation step failed');
  const timedOut = others.find((row) => /Task timed out|Status: timeout/.test(text(row)));
  const notStarted = others.find((row) => /Runtime\.(?!NoSuchLog)[A-Z]\w+/.test(text(row)));
  const isNewer =
    failures[0] === undefined || (notStarted !== undefined && dateOf(notStarted) > failures[0].at);
  return {
    failures,
    timedOut: timedOut && dateOf(timedOut),
    notStarted: notStarted && isNewer ? /Runtime\.\w+/.exec(text(notStarted))?.[0] : undefined,
  };
}

async function lookAtVpc(clients: Clients, network: FunctionNetwork): Promise<WayToSecretsManager> {
  const client = await clients.ec2();
  const {
    DescribeRouteTablesCommand,
    DescribeSecurityGroupsCommand,
    DescribeSubnetsCommand,
    DescribeVpcEndpointsCommand,
  } = await import('@aws-sdk/client-ec2');
  const Filters = [{ Name: 'vpc-id', Values: [network.vpcId] }];
  const [endpoints, tables, groups, subnets] = await Promise.all([
    client.send(new DescribeVpcEndpointsCommand({ Filters })),
    client.send(new DescribeRouteTablesCommand({ Filters })),
    client.send(new DescribeSecurityGroupsCommand({ Filters })),
    client.send(new DescribeSubnetsCommand({ SubnetIds: [...network.subnetIds] })),
  ]);
  const vpc: Vpc = {
    endpoints: (endpoints.VpcEndpoints ?? []).map((endpoint) => ({
      id: endpoint.VpcEndpointId ?? '',
      serviceName: endpoint.ServiceName ?? '',
      available: endpoint.State?.toLowerCase() === 'available',
      privateDns: endpoint.PrivateDnsEnabled === true,
      securityGroupIds: (endpoint.Groups ?? []).flatMap(({ GroupId }) => GroupId ?? []),
    })),
    routeTables: (tables.RouteTables ?? []).map(({ Associations = [], Routes = [] }) => ({
      subnetIds: Associations.flatMap(({ SubnetId }) => SubnetId ?? []),
      main: Associations.some(({ Main }) => Main === true),
      routes: Routes.map((route) => ({
        destination: route.DestinationCidrBlock ?? route.DestinationIpv6CidrBlock ?? '',
        active: route.State !== 'blackhole',
        target:
          route.NatGatewayId ??
          route.TransitGatewayId ??
          route.GatewayId ??
          route.EgressOnlyInternetGatewayId ??
          route.NetworkInterfaceId ??
          route.VpcPeeringConnectionId ??
          '',
      })),
    })),
    securityGroups: (groups.SecurityGroups ?? []).map(
      (group): SecurityGroup => ({
        id: group.GroupId ?? '',
        inbound: (group.IpPermissions ?? []).flatMap(peersOf443),
        outbound: (group.IpPermissionsEgress ?? []).flatMap(peersOf443),
      }),
    ),
    subnetCidrs: new Map(
      (subnets.Subnets ?? []).map(({ SubnetId = '', CidrBlock = '' }) => [SubnetId, CidrBlock]),
    ),
  };
  return wayToSecretsManager(network, vpc);
}

type Permission = import('@aws-sdk/client-ec2').IpPermission;

/** The peers that a rule lets through on TCP port 443. */
function peersOf443(permission: Permission): Peer[] {
  const { IpProtocol, FromPort = 0, ToPort = 65_535 } = permission;
  const isAll = IpProtocol === '-1';
  if (!isAll && !((IpProtocol === 'tcp' || IpProtocol === '6') && FromPort <= 443 && ToPort >= 443))
    return [];
  return [
    ...(permission.IpRanges ?? []).map(({ CidrIp = '' }) => ({ cidr: CidrIp })),
    ...(permission.Ipv6Ranges ?? []).map(({ CidrIpv6 = '' }) => ({ cidr: CidrIpv6 })),
    ...(permission.UserIdGroupPairs ?? []).map(({ GroupId = '' }) => ({ groupId: GroupId })),
    ...(permission.PrefixListIds ?? []).map(({ PrefixListId = '' }) => ({ prefixList: PrefixListId })),
  ];
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && error.name === 'ResourceNotFoundException';
}
