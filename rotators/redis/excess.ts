import type { Connection } from './connection.ts';
import { findUser, type User } from './users.ts';

/** Groups of commands with which a user can take a server over, and no application's has. */
const administrativeRights: readonly (readonly [RegExp, string])[] = [
  [/^\+(@all|allcommands)$/, 'all commands'],
  // Every command that administers is slow, so that +@slow allows it too: https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/
  [/^\+@(admin|dangerous|slow)$/, 'administration'],
  [/^\+acl(\|(setuser|deluser|load|save))?$/, 'changing users'],
  [/^\+config(\|(set|rewrite))?$/, 'changing the configuration'],
  [/^\+(module(\|.*)?|debug(\|.*)?|shutdown|replicaof|slaveof|migrate|monitor)$/, 'running the server'],
  [/^\+cluster(\|(meet|forget|reset|failover|replicate|addslots.*|delslots.*|setslot))?$/, 'the cluster'],
];

/**
 * What the account of `subject` may do and that of `proven` may not, in a person's words. It overestimates the first: a
 * rule that takes something away again is not weighed against the one that gives it.
 */
export async function excessRights(
  admin: Connection,
  subject: string,
  proven: string | undefined,
): Promise<readonly string[]> {
  if (subject === proven) return [];
  const [one, other] = await Promise.all([
    findUser(admin, subject),
    proven === undefined ? undefined : findUser(admin, proven),
  ]);
  if (one === undefined) return [];
  if (other !== undefined && haveSameRights(one, other)) return [];
  if (proven !== undefined) return [`it has other rules than "${proven}"`];
  // Selectors are further sets of rules, of which each gives what it says.
  const rules = `${one.rules.commands} ${one.rules.selectors}`.toLowerCase().split(/[\s"]+/);
  return administrativeRights
    .filter(([rule]) => rules.some((word) => rule.test(word)))
    .map(([, words]) => words);
}

function haveSameRights(one: User, other: User): boolean {
  return JSON.stringify(one.rules) === JSON.stringify(other.rules);
}
