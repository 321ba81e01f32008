/**
 * A text of unknown origin for a terminal: control characters, which could move the cursor or change the title, and
 * what changes the direction of writing, are shown as escapes.
 */
export function printable(text: string, kept = ''): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (char) =>
    kept.includes(char) ? char : `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`,
  );
}
