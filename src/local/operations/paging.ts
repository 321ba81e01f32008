/** A position in a list as the opaque token that the API gives. */
export function encodePosition(position: number): string {
  return Buffer.from(`position:${position}`).toString('base64url');
}

/** The position in such a token; undefined for any other text. */
export function decodePosition(token: string): number | undefined {
  const position = /^position:(\d{1,15})$/.exec(Buffer.from(token, 'base64url').toString('utf8'))?.[1];
  return position === undefined ? undefined : Number(position);
}
