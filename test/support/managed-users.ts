import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { Node } from '../../rotators/redis/credential.ts';
import type { RedisServer } from './redis-server.ts';

/** A user of the stand-in. */
interface StandInUser {
  readonly name: string;
  status: 'active' | 'modifying';
  authentication: string;
  passwords: readonly string[];
  groups: readonly string[];
}

/**
 * A stand-in for the user APIs of ElastiCache and MemoryDB, which need an AWS account. Like the services, it makes each
 * change at a real server a moment later. It refuses what they refuse: a third password, a short password, the same
 * password twice, and a change while another is under way.
 *
 * @see https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_ModifyUser.html
 * @see https://docs.aws.amazon.com/memorydb/latest/APIReference/API_UpdateUser.html
 */
export interface ManagedUsersApi {
  readonly url: string;
  readonly users: Map<string, StandInUser>;
  /** The servers at which the users of all groups may log in. */
  readonly endpoints: Node[];
  /** Operations that were asked for, in order. */
  readonly calls: string[];
  add(id: string, user: Pick<StandInUser, 'name' | 'passwords'> & Partial<StandInUser>): Promise<void>;
  stop(): Promise<void>;
}

class Refused extends Error {
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

/** How long a change takes, in ms. At AWS it takes minutes. */
const changeTakesMs = 20;

/** Starts the stand-in. @param server the real server on which the users are changed */
export async function startManagedUsers(server: RedisServer): Promise<ManagedUsersApi> {
  const users = new Map<string, StandInUser>();
  const endpoints: Node[] = [];
  const calls: string[] = [];
  const timers = new Set<NodeJS.Timeout>();

  const find = (id: string): StandInUser => {
    const user = users.get(id);
    if (user === undefined) throw new Refused('UserNotFound');
    return user;
  };
  const apply = ({ name, passwords }: StandInUser): Promise<unknown> =>
    server.ask('ACL', 'SETUSER', name, 'resetpass', ...passwords.map((password) => `>${password}`));
  const change = (id: string, passwords: readonly string[]): StandInUser => {
    const user = find(id);
    if (user.status !== 'active') throw new Refused('InvalidUserState');
    const isTaken = (password: string): boolean => /^[\x21-\x7e]{16,128}$/.test(password);
    const isRight = passwords.length > 0 && passwords.length <= 2 && passwords.every(isTaken);
    if (!isRight || new Set(passwords).size !== passwords.length) throw new Refused('InvalidParameterValue');
    user.status = 'modifying';
    user.passwords = passwords;
    const timer = setTimeout(() => {
      timers.delete(timer);
      apply(user).then(
        () => {
          user.status = 'active';
        },
        // The server was stopped meanwhile.
        () => undefined,
      );
    }, changeTakesMs);
    timers.add(timer);
    return user;
  };

  const http = createServer((request, response) => {
    void read(request).then((body) => {
      const [contentType, answer] = isJson(request)
        ? ['application/x-amz-json-1.1', jsonAnswer]
        : ['text/xml', xmlAnswer];
      try {
        const text = answer(request, body);
        response.writeHead(200, { 'content-type': contentType }).end(text);
      } catch (error) {
        const code = error instanceof Refused ? error.code : 'InternalFailure';
        const [json, xml] = [
          JSON.stringify({
            __type: `${code}${/State|NotFound/.test(code) ? 'Fault' : 'Exception'}`,
            message: code,
          }),
          `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${code}</Message></Error></ErrorResponse>`,
        ];
        response.writeHead(400, { 'content-type': contentType }).end(isJson(request) ? json : xml);
      }
    });
  });

  const xmlAnswer = (_request: IncomingMessage, body: string): string => {
    const query = new URLSearchParams(body);
    const action = query.get('Action') ?? '';
    calls.push(action);
    const wrap = (inner: string): string =>
      `<${action}Response xmlns="http://elasticache.amazonaws.com/doc/2015-02-02/"><${action}Result>${inner}</${action}Result><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></${action}Response>`;
    const id = query.get('UserId') ?? '';
    switch (action) {
      case 'DescribeUsers':
        return wrap(`<Users><member>${userXml(id, find(id))}</member></Users>`);
      case 'ModifyUser': {
        const passwords = [...query].filter(([name]) => name.startsWith('Passwords.member.'));
        return wrap(
          userXml(
            id,
            change(
              id,
              passwords.map(([, password]) => password),
            ),
          ),
        );
      }
      case 'DescribeUserGroups':
        return wrap(
          '<UserGroups><member><ReplicationGroups><member>cache</member></ReplicationGroups></member></UserGroups>',
        );
      case 'DescribeReplicationGroups':
        return wrap(
          `<ReplicationGroups><ReplicationGroup><NodeGroups>${endpoints.map(nodeXml).join('')}</NodeGroups></ReplicationGroup></ReplicationGroups>`,
        );
      default:
        throw new Refused('InvalidAction');
    }
  };

  const jsonAnswer = (request: IncomingMessage, body: string): string => {
    const [, action = ''] = String(request.headers['x-amz-target']).split('.');
    calls.push(action);
    const asked: Record<string, unknown> = JSON.parse(body);
    const id = String(asked.UserName ?? '');
    switch (action) {
      case 'DescribeUsers':
        return JSON.stringify({ Users: [userJson(find(id))] });
      case 'UpdateUser': {
        const { AuthenticationMode: mode } = asked;
        const passwords: unknown = Object(mode).Passwords;
        return JSON.stringify({
          User: userJson(change(id, Array.isArray(passwords) ? passwords.map(String) : [])),
        });
      }
      case 'DescribeACLs':
        return JSON.stringify({ ACLs: [{ Clusters: ['cache'] }] });
      case 'DescribeClusters': {
        const [first, ...others] = endpoints.map(({ host, port }) => ({ Address: host, Port: port }));
        const Nodes = others.map((Endpoint) => ({ Endpoint }));
        return JSON.stringify({ Clusters: [{ ClusterEndpoint: first, Shards: [{ Nodes }] }] });
      }
      default:
        throw new Refused('InvalidAction');
    }
  };

  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const address = http.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    users,
    endpoints,
    calls,
    add: async (id, user) => {
      const made: StandInUser = { status: 'active', authentication: 'password', groups: ['group'], ...user };
      users.set(id, made);
      await server.ask('ACL', 'SETUSER', made.name, 'on', '~*', '&*', '+@read', '+@connection');
      await apply(made);
    },
    stop: async () => {
      for (const timer of timers) clearTimeout(timer);
      http.closeAllConnections();
      http.close();
      await once(http, 'close');
    },
  };
}

function isJson({ headers }: IncomingMessage): boolean {
  return String(headers['content-type']).includes('json');
}

async function read(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  return body;
}

function userXml(id: string, { name, status, authentication, passwords, groups }: StandInUser): string {
  const named = groups.map((group) => `<member>${group}</member>`).join('');
  return `<UserId>${id}</UserId><UserName>${name}</UserName><Status>${status}</Status><UserGroupIds>${named}</UserGroupIds><Authentication><Type>${authentication}</Type><PasswordCount>${passwords.length}</PasswordCount></Authentication>`;
}

function userJson({ name, status, authentication, passwords, groups }: StandInUser): object {
  const Authentication = { Type: authentication, PasswordCount: passwords.length };
  return { Name: name, Status: status, ACLNames: groups, Authentication };
}

function nodeXml({ host, port }: Node): string {
  return `<NodeGroup><PrimaryEndpoint><Address>${host}</Address><Port>${port}</Port></PrimaryEndpoint></NodeGroup>`;
}
