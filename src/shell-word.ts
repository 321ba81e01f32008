/**
 * One argument for a POSIX shell, in quotes if it needs them. In bash an exclamation mark brings back an earlier command,
 * and in zsh a word that begins with `=` is the path of a program.
 */
export function shellWord(text: string): string {
  return /^(?!=)[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
