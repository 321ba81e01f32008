import type { Connection } from './connection.ts';
import { findUser, type User } from './users.ts';

/** Rules with which a user can take over a server. No application needs them. */
const administrativeRights: readonly (readonly [RegExp, string])[] = [
  [/^\+(@all|allcommands)$/, 'all commands'],
  // @slow contains every administrative command: https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/
  [/^\+@(admin|dangerous|slow)$/, 'administration'],
  [/^\+acl(\|(setuser|deluser|load|save))?$/, 'changing users'],
  [/^\+config(\|(set|rewrite))?$/, 'changing the configuration'],
  [
    /^\+(module(\|.*)?|debug(\|.*)?|shutdown|replicaof|slaveof|failover|psync|sync|migrate|monitor)$/,
    'running the server',
  ],
  [/^\+cluster(\|(meet|forget|reset|failover|replicate|addslots.*|delslots.*|setslot))?$/, 'the cluster'],
];

/**
 * The rights that `subject` has and `proven` lacks, in words for a person; see `ChangingRotator.excessRights`. With
 * `proven`, any difference between their rules counts. Without it, administrative rules count. It overestimates the rights
 * of `subject`: it ignores rules that take a right away again.
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
  // Selectors are further sets of rules. Each of them adds rights.
  const rules = `${one.rules.commands} ${one.rules.selectors}`.toLowerCase().split(/[\s"]+/);
  return administrativeRights
    .filter(([rule]) => rules.some((word) => rule.test(word)))
    .map(([, words]) => words);
}

function haveSameRights(one: User, other: User): boolean {
  return JSON.stringify(one.rules) === JSON.stringify(other.rules);
}
