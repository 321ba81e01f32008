/**
 * Whether a text is like a pattern of a policy: `*` is any text and `?` any character, in any case. It takes time in
 * proportion to both, whatever the pattern: a regular expression of many stars would never end, and others write policies.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html
 */
export function isLike(text: string, pattern: string): boolean {
  const [written, wanted] = [text.toLowerCase(), pattern.toLowerCase()];
  let [at, next] = [0, 0];
  /** The last star, and how far the text was when it was come to: only what that one stands for is ever tried again. */
  let star: { readonly next: number; at: number } | undefined;
  while (at < written.length) {
    const sign = wanted[next];
    if (sign === '*') {
      next += 1;
      star = { next, at };
    } else if (sign !== undefined && (sign === '?' || sign === written[at])) {
      at += 1;
      next += 1;
    } else if (star !== undefined) {
      star.at += 1;
      [at, next] = [star.at, star.next];
    } else return false;
  }
  return /^\**$/.test(wanted.slice(next));
}
