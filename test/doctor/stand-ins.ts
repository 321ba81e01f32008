import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import type { RotationFixture } from '../support/rotation-fixture.ts';

/** What the stand-ins answer. A test changes what it needs. */
export interface World {
  /** GetFunctionConfiguration; undefined: there is no such function. */
  configuration: object | undefined;
  /** The function's policy; undefined: it has none. */
  policy: string | undefined;
  reservedConcurrency: number | undefined;
  /** How an invocation ends if it doesn't reach the function. */
  invocation: { readonly status: number; readonly error?: string; readonly body: object } | undefined;
  keyState: string;
  /** More rows of the log, besides those of the function's failed steps. */
  otherLines: readonly string[];
  /** How a query of the log ends. */
  queryStatus: 'Complete' | 'Failed';
  /** XML of EC2's answers, by operation. */
  vpc: Readonly<Record<string, string>>;
  /** Operations that are refused with AccessDenied. */
  readonly denied: Set<string>;
}

/** Running stand-ins, and the variables with which commands find them. */
export interface StandIns {
  readonly world: World;
  readonly variables: Readonly<Record<string, string>>;
  reset(): void;
  close(): Promise<void>;
}

export const roleArn = 'arn:aws:iam::123456789012:role/keyturn-RotationRole-1';
export const vpcConfig = { VpcId: 'vpc-1', SubnetIds: ['subnet-1'], SecurityGroupIds: ['sg-function'] };

const allowed = JSON.stringify({
  Statement: [
    {
      Effect: 'Allow',
      Principal: { Service: 'secretsmanager.amazonaws.com' },
      Action: 'lambda:InvokeFunction',
    },
  ],
});

export function configurationWith(more: object = {}): object {
  return { State: 'Active', LastUpdateStatus: 'Successful', Timeout: 60, Role: roleArn, ...more };
}

function healthy(): World {
  return {
    configuration: configurationWith(),
    policy: allowed,
    reservedConcurrency: undefined,
    invocation: undefined,
    keyState: 'Enabled',
    otherLines: [],
    queryStatus: 'Complete',
    vpc: {},
    denied: new Set(),
  };
}

interface Reply {
  readonly status: number;
  readonly body: string;
  readonly error?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Stand-ins for the APIs of Lambda, CloudWatch Logs, EC2 and KMS, which can't be had without an AWS account. The real
 * SDK reads them. Invocations go on to the function itself, and the log is what the function has reported. They prove
 * that Keyturn asks and reads rightly, not what AWS would answer.
 */
export async function startStandIns({ local, recorded }: RotationFixture): Promise<StandIns> {
  const world = healthy();
  const queries = new Map<string, { readonly secretArn: string; polls: number }>();

  const invoke = async (request: IncomingMessage, body: string): Promise<Reply> => {
    const { invocation } = world;
    if (invocation !== undefined) {
      const { status, error, body: answer } = invocation;
      const isFailure = status === 200;
      return {
        status,
        body: JSON.stringify(answer),
        ...(error === undefined ? {} : { error }),
        ...(isFailure ? { headers: { 'X-Amz-Function-Error': 'Unhandled' } } : {}),
      };
    }
    const { authorization = '', 'x-amz-date': date = '' } = request.headers;
    const headers = { authorization, 'x-amz-date': String(date), 'content-type': 'application/octet-stream' };
    const answer = await fetch(`${local.url}${request.url}`, { method: 'POST', headers, body });
    const functionError = answer.headers.get('x-amz-function-error');
    return {
      status: answer.status,
      body: await answer.text(),
      ...(functionError === null ? {} : { headers: { 'X-Amz-Function-Error': functionError } }),
    };
  };

  const lambda = (request: IncomingMessage, operation: string, body: string): Reply | Promise<Reply> => {
    if (world.configuration === undefined) return missing;
    if (operation === 'configuration') return json(world.configuration);
    if (operation === 'policy') return world.policy === undefined ? missing : json({ Policy: world.policy });
    if (operation === 'concurrency') return json({ ReservedConcurrentExecutions: world.reservedConcurrency });
    return operation === 'invocations' ? invoke(request, body) : missing;
  };

  const rowsOf = (secretArn: string): object[] => {
    const line = (fields: Readonly<Record<string, string>>) =>
      Object.entries({ '@timestamp': stamp(), ...fields }).map(([field, value]) => ({ field, value }));
    const failed = recorded.reports.filter(
      (report) =>
        report.outcome === 'failed' && report.secretArn === secretArn && report.step !== 'preflight',
    );
    const own = failed.map(({ step, errorCode = '', errorMessage = '' }) =>
      line({ '@message': '{}', message: 'Rotation step failed', step, errorCode, errorMessage }),
    );
    return [...own.reverse(), ...world.otherLines.map((text) => line({ '@message': text }))];
  };

  const logs = (operation: string, body: string): Reply => {
    const asked: Record<string, unknown> = JSON.parse(body);
    if (operation === 'StartQuery') {
      const secretArn = /secretArn = "([^"]+)"/.exec(String(asked.queryString))?.[1];
      if (secretArn === undefined || !Number(asked.startTime)) {
        return { status: 400, body: '{}', error: 'MalformedQueryException' };
      }
      const queryId = `query-${queries.size + 1}`;
      queries.set(queryId, { secretArn, polls: 0 });
      return json({ queryId });
    }
    const query = queries.get(String(asked.queryId));
    if (query === undefined) return missing;
    query.polls += 1;
    // As at AWS, the query runs for a while.
    if (query.polls === 1) return json({ status: 'Running', results: [] });
    if (world.queryStatus === 'Failed') return json({ status: 'Failed', results: [] });
    return json({ status: 'Complete', results: rowsOf(query.secretArn) });
  };

  const answer = (request: IncomingMessage, body: string): Reply | Promise<Reply> => {
    const operation = operationOf(request, body);
    if (world.denied.has(operation)) return refusalOf(operation);
    const [service = ''] = String(request.headers['x-amz-target'] ?? '').split('.');
    if (service === 'Logs_20140328') return logs(operation, body);
    if (service === 'TrentService') return json({ KeyMetadata: { KeyId: 'k', KeyState: world.keyState } });
    if (request.url !== '/') return lambda(request, operation, body);
    const inner = world.vpc[operation] ?? '';
    const xml = `<${operation}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">${inner}</${operation}Response>`;
    return { status: 200, body: xml, headers: { 'content-type': 'text/xml' } };
  };

  const server = createServer((request, response) => {
    void (async () => {
      const reply = await answer(request, await text(request));
      response.writeHead(reply.status, {
        'content-type': 'application/json',
        ...(reply.error === undefined ? {} : { 'x-amzn-ErrorType': reply.error }),
        ...reply.headers,
      });
      response.end(reply.body);
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No address.');
  const url = `http://127.0.0.1:${address.port}`;
  return {
    world,
    variables: {
      AWS_ENDPOINT_URL_SECRETS_MANAGER: local.url,
      AWS_ENDPOINT_URL_LAMBDA: url,
      AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: url,
      AWS_ENDPOINT_URL_EC2: url,
      AWS_ENDPOINT_URL_KMS: url,
    },
    reset: () => Object.assign(world, healthy()),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function operationOf({ url = '', headers }: IncomingMessage, body: string): string {
  const target = headers['x-amz-target'];
  if (typeof target === 'string') return target.split('.')[1] ?? '';
  return new URLSearchParams(body).get('Action') ?? url.replace(/\?.*/, '').split('/').at(-1) ?? '';
}

function json(body: object): Reply {
  return { status: 200, body: JSON.stringify(body) };
}

const missing: Reply = {
  status: 404,
  body: '{"Message":"not there","message":"not there"}',
  error: 'ResourceNotFoundException',
};

function refusalOf(operation: string): Reply {
  const message = `User is not authorized to perform: ${operation}`;
  if (operation.startsWith('Describe') && operation !== 'DescribeKey') {
    const code = 'UnauthorizedOperation';
    return {
      status: 403,
      body: `<Response><Errors><Error><Code>${code}</Code><Message>${message}</Message></Error></Errors><RequestID>1</RequestID></Response>`,
      headers: { 'content-type': 'text/xml' },
    };
  }
  return { status: 403, body: JSON.stringify({ message, Message: message }), error: 'AccessDeniedException' };
}

function stamp(): string {
  return new Date().toISOString().replace('T', ' ').replace('Z', '');
}

/** A VPC with only a route to an internet gateway. A function can't use that. */
export function vpc(settings: { readonly endpointLetsIn?: string; readonly nat?: boolean } = {}) {
  const { endpointLetsIn, nat = false } = settings;
  const target = nat ? '<natGatewayId>nat-1</natGatewayId>' : '<gatewayId>igw-1</gatewayId>';
  const endpoint = `<item><vpcEndpointId>vpce-1</vpcEndpointId><vpcEndpointType>Interface</vpcEndpointType>
    <serviceName>com.amazonaws.us-east-1.secretsmanager</serviceName><state>available</state>
    <privateDnsEnabled>true</privateDnsEnabled>
    <groupSet><item><groupId>sg-endpoint</groupId></item></groupSet></item>`;
  const outbound = `<ipPermissionsEgress><item><ipProtocol>-1</ipProtocol><ipRanges><item><cidrIp>0.0.0.0/0</cidrIp></item></ipRanges></item></ipPermissionsEgress>`;
  const inbound = `<ipPermissions><item><ipProtocol>tcp</ipProtocol><fromPort>443</fromPort><toPort>443</toPort>
    <ipRanges><item><cidrIp>${endpointLetsIn ?? '10.0.0.0/8'}</cidrIp></item></ipRanges></item></ipPermissions>`;
  return {
    DescribeVpcEndpoints: `<vpcEndpointSet>${endpointLetsIn === undefined ? '' : endpoint}</vpcEndpointSet>`,
    DescribeRouteTables: `<routeTableSet><item><routeTableId>rtb-1</routeTableId>
      <routeSet><item><destinationCidrBlock>0.0.0.0/0</destinationCidrBlock>${target}<state>active</state></item></routeSet>
      <associationSet><item><main>true</main></item></associationSet></item></routeTableSet>`,
    DescribeSecurityGroups: `<securityGroupInfo><item><groupId>sg-function</groupId>${outbound}</item>
      <item><groupId>sg-endpoint</groupId>${inbound}${outbound}</item></securityGroupInfo>`,
    DescribeSubnets:
      '<subnetSet><item><subnetId>subnet-1</subnetId><cidrBlock>10.0.1.0/24</cidrBlock></item></subnetSet>',
  };
}
