/**
 * A policy as GetResourcePolicy gives it back. AWS parses the policy and prints it anew, as Jackson's pretty printer does.
 * cloud-custodian's recording `test_secretsmanager_remove_matched` has a policy before and after.
 */
export function prettyPolicy(policy: string): string {
  return print(JSON.parse(policy), '');
}

function print(value: unknown, indent: string): string {
  if (Array.isArray(value)) {
    return value.length === 0 ? '[ ]' : `[ ${value.map((item) => print(item, indent)).join(', ')} ]`;
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const inner = `${indent}  `;
  const members = Object.entries(value).map(
    ([name, member]) => `${inner}${JSON.stringify(name)} : ${print(member, inner)}`,
  );
  return members.length === 0 ? '{ }' : `{\n${members.join(',\n')}\n${indent}}`;
}
