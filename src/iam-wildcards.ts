/**
 * Whether a text matches a pattern of an IAM policy: `*` stands for any text, `?` for any one character. Case does not
 * count. Others write policies, and a regular expression with many stars may never end. This takes at most as many steps
 * as the product of both lengths.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html
 */
export function isLike(text: string, pattern: string): boolean {
  const [written, wanted] = [text.toLowerCase(), pattern.toLowerCase()];
  let [at, next] = [0, 0];
  /** The last star: the place behind it, and how far it reaches. After a mismatch only this star reaches one further. */
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
