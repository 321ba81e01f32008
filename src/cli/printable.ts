/**
 * Makes a text of unknown origin safe for a terminal. Control characters could move the cursor or change the title, and
 * others change the direction of writing. All of them become escapes.
 *
 * @param kept characters that stay as they are, such as line breaks
 */
export function printable(text: string, kept = ''): string {
  return text.replace(steering, (char) =>
    kept.includes(char) ? char : `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

/** The same for sentences, in which a space does: the characters become spaces. */
export function withoutSteering(text: string, kept = ''): string {
  return text.replace(steering, (char) => (kept.includes(char) ? char : ' '));
}

const steering = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
