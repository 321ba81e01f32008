function stringMember(error: unknown, property: string): string {
  const value: unknown =
    typeof error === 'object' && error !== null ? Reflect.get(error, property) : undefined;
  return typeof value === 'string' ? value : '';
}

/** The SQLSTATE of the server, or the code of Node.js; empty where there is none. */
export function codeOf(error: unknown): string {
  return stringMember(error, 'code');
}

/** What an error says. */
export function messageOf(error: unknown): string {
  return stringMember(error, 'message');
}

/** The schema of what an error of the server is about. */
export function schemaOf(error: unknown): string {
  return stringMember(error, 'schema');
}
