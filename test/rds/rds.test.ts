import type { Server } from 'node:http';
import { RDSClient } from '@aws-sdk/client-rds';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { createAwsRds } from '../../src/rds/aws.ts';
import { adminSecret, canLogIn, createLogin, loginOf, secretOf } from '../support/postgres-fixtures.ts';
import { instance, startRds } from '../support/rds-server.ts';
import { type RotationFixture, startFixture } from '../support/rotation-fixture.ts';

/** Only RDS can set tags that begin with `aws:`. So the test adds them to the answer of DescribeSecret. */
function showTag(fixture: RotationFixture, arn: string, Key: string, Value: string): void {
  fixture.functionClient.middlewareStack.add(
    (next) => async (args) => {
      const answer = await next(args);
      if ('ARN' in answer.output && answer.output.ARN === arn && 'Tags' in answer.output) {
        answer.output.Tags = [...(answer.output.Tags ?? []), { Key, Value }];
      }
      return answer;
    },
    { step: 'initialize', name: `show-tag-${arn}` },
  );
}

const instanceArn = 'arn:aws:rds:us-east-1:123456789012:db:primary';
const clusterArn = 'arn:aws:rds:us-east-1:123456789012:cluster:primary';
const replicaHost = 'replica.abc123.us-east-1.rds.amazonaws.com';
const primaryHost = 'primary.abc123.us-east-1.rds.amazonaws.com';

describe('RDS', () => {
  let server: Server;
  let client: RDSClient;
  beforeAll(async () => {
    const { host, port } = inject('postgres');
    server = startRds(
      {
        [instanceArn]: instance(host, port),
        replica: instance(replicaHost, 5432, 'primary'),
        other: instance('other.abc123.us-east-1.rds.amazonaws.com', 5432),
      },
      {
        [clusterArn]: `<DBClusters><DBCluster><Endpoint>${host}</Endpoint><Port>${port}</Port><Engine>aurora-postgresql</Engine></DBCluster></DBClusters>`,
      },
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    client = new RDSClient({
      endpoint: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
      region: 'us-east-1',
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
      maxAttempts: 1,
    });
  });
  afterAll(async () => {
    client.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  const port = () => createAwsRds({ signal: new AbortController().signal, createClient: () => client });

  it.each([
    ['an instance', 'aws:rds:primaryDBInstanceArn', instanceArn],
    ['a cluster', 'AWS:RDS:PrimaryDBClusterArn', clusterArn],
  ])('completes the master that it manages for %s, by its tag in any case', async (_, tag, arn) => {
    const fixture = await startFixture({ createRdsClient: () => client });
    try {
      const { username, password } = adminSecret();
      const masterarn = await fixture.createSecret({ username, password });
      showTag(fixture, masterarn, tag, arn);
      const login = await createLogin();
      const secret = await fixture.createSecret({ ...secretOf(login), masterarn });
      expect(await fixture.rotate(secret)).toBeUndefined();
      const rotated = await fixture.read(secret);
      expect(rotated.username).toBe(`${login.username}_clone`);
      expect(await canLogIn(loginOf(rotated))).toBe(true);
    } finally {
      await fixture.close();
    }
  });

  it('names the missing field of such a master without a tag, and the right that RDS asks for', async () => {
    const fixture = await startFixture({ createRdsClient: () => client });
    try {
      const { username, password } = adminSecret();
      const untagged = await fixture.createSecret({ username, password });
      const unknown = await fixture.createSecret({ username, password });
      showTag(fixture, unknown, 'aws:rds:primaryDBInstanceArn', 'arn:aws:rds:none');
      for (const [masterarn, message] of [
        [untagged, /^InvalidSecretField: .*"host"/],
        [unknown, /^RdsFailed: .*rds:DescribeDBInstances/],
      ] as const) {
        const secret = await fixture.createSecret({ ...secretOf(await createLogin()), masterarn });
        expect(await fixture.rotate(secret)).toMatch(message);
      }
    } finally {
      await fixture.close();
    }
  });

  it('knows a read replica of the admin’s server, and no other host for one', async () => {
    expect(await port().isReadReplica(replicaHost, primaryHost)).toBe(true);
    expect(await port().isReadReplica(replicaHost.toUpperCase(), primaryHost)).toBe(true);
    expect(await port().isReadReplica('absent.abc123.us-east-1.rds.amazonaws.com', primaryHost)).toBe(false);
    expect(await port().isReadReplica(replicaHost, 'third.abc123.us-east-1.rds.amazonaws.com')).toBe(false);
    expect(await port().isReadReplica('other.abc123.us-east-1.rds.amazonaws.com', primaryHost)).toBe(false);
    expect(await port().isReadReplica('replica.zzz999.us-east-1.rds.amazonaws.com', primaryHost)).toBe(false);
    expect(await port().isReadReplica('replica.evil.example.com', primaryHost)).toBe(false);
  });
});
