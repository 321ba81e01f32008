import type { FunctionNetwork, WayToSecretsManager } from './facts.ts';

/** An interface endpoint of the VPC, as EC2 tells of it. */
export interface VpcEndpoint {
  readonly id: string;
  readonly serviceName: string;
  readonly available: boolean;
  readonly privateDns: boolean;
  readonly securityGroupIds: readonly string[];
}

/** A route table of the VPC. */
export interface RouteTable {
  /** The subnets that name it; others use the main one. */
  readonly subnetIds: readonly string[];
  readonly main: boolean;
  readonly routes: readonly Route[];
}

/** A route to everywhere, or another. */
export interface Route {
  readonly destination: string;
  readonly active: boolean;
  /** Where it leads: the id of a gateway, instance or interface, such as `nat-0abc` or `igw-0abc`. */
  readonly target: string;
}

/** A security group: whom it lets in and where it lets out, by TCP 443. */
export interface SecurityGroup {
  readonly id: string;
  readonly inbound: readonly Peer[];
  readonly outbound: readonly Peer[];
}

/** The other side of a rule: an address range, a security group or a prefix list. */
export type Peer = { readonly cidr: string } | { readonly groupId: string } | { readonly prefixList: string };

/** The parts of a VPC that matter for a function in it. */
export interface Vpc {
  readonly endpoints: readonly VpcEndpoint[];
  readonly routeTables: readonly RouteTable[];
  readonly securityGroups: readonly SecurityGroup[];
  /** CIDR blocks of the function's subnets, by id. */
  readonly subnetCidrs: ReadonlyMap<string, string>;
}

const everywhere = new Set(['0.0.0.0/0', '::/0']);

/**
 * How a function in a VPC gets to Secrets Manager: by an interface endpoint with private DNS, or by a route to a NAT
 * gateway or the like. An internet gateway is no way, since Lambda's interfaces have no public address.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc-internet.html
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/vpc-endpoint-overview.html
 */
export function wayToSecretsManager(network: FunctionNetwork, vpc: Vpc): WayToSecretsManager {
  const endpoint = vpc.endpoints.find(
    ({ serviceName, available, privateDns }) =>
      /\.secretsmanager(-fips)?$/.test(serviceName) && available && privateDns,
  );
  const groups = vpc.securityGroups.filter(({ id }) => network.securityGroupIds.includes(id));
  if (endpoint === undefined) return byRoute(network, vpc, groups);
  if (!letsIn(endpoint, network, vpc)) {
    return {
      way: 'blocked-by',
      what: 'endpoint',
      detail: `the security groups of ${endpoint.id} (${endpoint.securityGroupIds.join(', ')}) do not let ${network.securityGroupIds.join(', ')} in by TCP 443`,
    };
  }
  return letsOut(groups) ? { way: 'endpoint' } : blockedByFunction(network);
}

function byRoute(
  { subnetIds, vpcId, securityGroupIds }: FunctionNetwork,
  { routeTables }: Vpc,
  groups: readonly SecurityGroup[],
): WayToSecretsManager {
  const main = routeTables.find((table) => table.main);
  const isolated = subnetIds.filter((id) => {
    const table = routeTables.find((one) => one.subnetIds.includes(id)) ?? main;
    return !table?.routes.some(leadsOut);
  });
  if (isolated.length > 0) {
    return {
      way: 'none',
      detail: `${vpcId} has no endpoint of Secrets Manager with private DNS, and ${isolated.join(', ')} ${isolated.length === 1 ? 'has' : 'have'} no route to a NAT gateway`,
    };
  }
  return letsOut(groups) ? { way: 'route' } : blockedByFunction({ subnetIds, vpcId, securityGroupIds });
}

function leadsOut({ destination, active, target }: Route): boolean {
  return everywhere.has(destination) && active && !target.startsWith('igw-');
}

/** A range that can't be compared counts as allowed. Only a rule that surely blocks is reported. */
function letsIn(endpoint: VpcEndpoint, { securityGroupIds, subnetIds }: FunctionNetwork, vpc: Vpc): boolean {
  const groups = vpc.securityGroups.filter(({ id }) => endpoint.securityGroupIds.includes(id));
  if (groups.length === 0) return true;
  const cidrs = subnetIds.flatMap((id) => vpc.subnetCidrs.get(id) ?? []);
  return groups.some(({ inbound }) =>
    inbound.some((peer) => {
      if ('groupId' in peer) return securityGroupIds.includes(peer.groupId);
      if ('prefixList' in peer) return true;
      return cidrs.length === 0 || cidrs.some((cidr) => contains(peer.cidr, cidr));
    }),
  );
}

function letsOut(groups: readonly SecurityGroup[]): boolean {
  return groups.length === 0 || groups.some(({ outbound }) => outbound.length > 0);
}

function blockedByFunction({ securityGroupIds }: FunctionNetwork): WayToSecretsManager {
  return {
    way: 'blocked-by',
    what: 'function',
    detail: `no rule of ${securityGroupIds.join(', ')} lets TCP 443 out`,
  };
}

/** Whether an IPv4 range contains another one. For IPv6, the answer is always yes. */
export function contains(outer: string, inner: string): boolean {
  const [one, other] = [rangeOf(outer), rangeOf(inner)];
  if (one === undefined || other === undefined)
    return outer === '::/0' || outer.includes(':') === inner.includes(':');
  // No shift: JavaScript shifts by 32 bits as by 0.
  const size = 2 ** (32 - one.bits);
  return one.bits <= other.bits && Math.floor(one.address / size) === Math.floor(other.address / size);
}

function rangeOf(cidr: string): { readonly address: number; readonly bits: number } | undefined {
  const [, a, b, c, d, bits] = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(cidr) ?? [];
  if (bits === undefined) return undefined;
  const address = [a, b, c, d].reduce((sum, part) => sum * 256 + Number(part), 0);
  return { address, bits: Number(bits) };
}
