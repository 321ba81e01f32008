function stringMember(error: unknown, property: string): string {
  const value: unknown =
    typeof error === 'object' && error !== null ? Reflect.get(error, property) : undefined;
  return typeof value === 'string' ? value : '';
}

/** What an error says. */
export function messageOf(error: unknown): string {
  return stringMember(error, 'message');
}

/** The schema of what an error of the server is about. */
export function schemaOf(error: unknown): string {
  return stringMember(error, 'schema');
}
