import type { ElastiCacheClient, UserGroup } from '@aws-sdk/client-elasticache';
import { missing } from '../../src/rotator/index.ts';
import type { Node } from '../redis/credential.ts';
import { nodesOf, type UsersApi } from './api.ts';

/** The SDK's module, loaded when first used. */
type Sdk = typeof import('@aws-sdk/client-elasticache');

/** How the API's client is made. */
export type CreateElastiCacheClient = (sdk: Sdk, region: string) => ElastiCacheClient;

/** ElastiCache's users. @see https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_ModifyUser.html */
export async function elastiCacheApi(
  region: string,
  createClient: CreateElastiCacheClient = (sdk, named) => new sdk.ElastiCacheClient({ region: named }),
): Promise<UsersApi> {
  const sdk = await loadSdk();
  const client = createClient(sdk, region);

  const serversOf = async (group: UserGroup, abortSignal: AbortSignal): Promise<Node[]> => {
    const options = { abortSignal };
    const found: Node[] = [];
    for (const ReplicationGroupId of group.ReplicationGroups ?? []) {
      const command = new sdk.DescribeReplicationGroupsCommand({ ReplicationGroupId });
      const { ReplicationGroups = [] } = await client.send(command, options);
      for (const { ConfigurationEndpoint, NodeGroups = [] } of ReplicationGroups) {
        const members = NodeGroups.flatMap((node) => [
          node.PrimaryEndpoint,
          node.ReaderEndpoint,
          ...(node.NodeGroupMembers ?? []).map(({ ReadEndpoint }) => ReadEndpoint),
        ]);
        found.push(...nodesOf([ConfigurationEndpoint, ...members]));
      }
    }
    for (const ServerlessCacheName of group.ServerlessCaches ?? []) {
      const command = new sdk.DescribeServerlessCachesCommand({ ServerlessCacheName });
      const { ServerlessCaches = [] } = await client.send(command, options);
      found.push(
        ...nodesOf(ServerlessCaches.flatMap(({ Endpoint, ReaderEndpoint }) => [Endpoint, ReaderEndpoint])),
      );
    }
    return found;
  };

  return {
    find: async (UserId, abortSignal) => {
      const { Users = [] } = await client.send(new sdk.DescribeUsersCommand({ UserId }), { abortSignal });
      const [user] = Users;
      return {
        username: user?.UserName ?? '',
        status: user?.Status ?? '',
        authentication: user?.Authentication?.Type ?? '',
        passwordCount: user?.Authentication?.PasswordCount ?? 0,
        groups: user?.UserGroupIds ?? [],
      };
    },
    setPasswords: async (UserId, passwords, abortSignal) => {
      await client.send(new sdk.ModifyUserCommand({ UserId, Passwords: [...passwords] }), { abortSignal });
    },
    endpoints: async ({ groups }, abortSignal) => {
      const found: Node[] = [];
      for (const UserGroupId of groups) {
        const command = new sdk.DescribeUserGroupsCommand({ UserGroupId });
        const { UserGroups = [] } = await client.send(command, { abortSignal });
        for (const group of UserGroups) found.push(...(await serversOf(group, abortSignal)));
      }
      return found;
    },
  };
}

async function loadSdk(): Promise<Sdk> {
  try {
    return await import('@aws-sdk/client-elasticache');
  } catch (error) {
    return missing('@aws-sdk/client-elasticache')(error);
  }
}
