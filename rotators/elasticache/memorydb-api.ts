import type { MemoryDBClient } from '@aws-sdk/client-memorydb';
import { missing } from '../../src/rotator/index.ts';
import type { Node } from '../redis/credential.ts';
import { nodesOf, type UsersApi } from './api.ts';

/** The SDK's module, loaded when first used. */
type Sdk = typeof import('@aws-sdk/client-memorydb');

/** How the API's client is made. */
export type CreateMemoryDbClient = (sdk: Sdk, region: string) => MemoryDBClient;

/** MemoryDB's users. @see https://docs.aws.amazon.com/memorydb/latest/APIReference/API_UpdateUser.html */
export async function memoryDbApi(
  region: string,
  createClient: CreateMemoryDbClient = (sdk, named) => new sdk.MemoryDBClient({ region: named }),
): Promise<UsersApi> {
  const sdk = await loadSdk();
  const client = createClient(sdk, region);
  return {
    find: async (UserName, abortSignal) => {
      const { Users = [] } = await client.send(new sdk.DescribeUsersCommand({ UserName }), { abortSignal });
      const [user] = Users;
      return {
        username: user?.Name ?? '',
        status: user?.Status ?? '',
        authentication: user?.Authentication?.Type ?? '',
        passwordCount: user?.Authentication?.PasswordCount ?? 0,
        groups: user?.ACLNames ?? [],
      };
    },
    setPasswords: async (UserName, passwords, abortSignal) => {
      const AuthenticationMode = { Type: 'password' as const, Passwords: [...passwords] };
      await client.send(new sdk.UpdateUserCommand({ UserName, AuthenticationMode }), { abortSignal });
    },
    endpoints: async ({ groups }, abortSignal) => {
      const found: Node[] = [];
      for (const ACLName of groups) {
        const lists = await client.send(new sdk.DescribeACLsCommand({ ACLName }), { abortSignal });
        for (const ClusterName of (lists.ACLs ?? []).flatMap(({ Clusters = [] }) => Clusters)) {
          const command = new sdk.DescribeClustersCommand({ ClusterName, ShowShardDetails: true });
          const { Clusters = [] } = await client.send(command, { abortSignal });
          for (const { ClusterEndpoint, Shards = [] } of Clusters) {
            const nodes = Shards.flatMap(({ Nodes = [] }) => Nodes.map(({ Endpoint }) => Endpoint));
            found.push(...nodesOf([ClusterEndpoint, ...nodes]));
          }
        }
      }
      return found;
    },
  };
}

async function loadSdk(): Promise<Sdk> {
  try {
    return await import('@aws-sdk/client-memorydb');
  } catch (error) {
    return missing('@aws-sdk/client-memorydb')(error);
  }
}
