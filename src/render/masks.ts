/** Systems that can be told what to mask in their logs. */
export type MaskingSystem = 'github' | 'azure';

/** Shorter lines (characters) are words and brackets: masked, they would make a log unreadable and tell themselves. */
const shortestLine = 4;

/** A value as it stands in JSON, a URL, a form or base64: a CI system masks by the letter, and decodes nothing. */
function encodingsOf(value: string): string[] {
  const json = JSON.stringify(value).slice(1, -1);
  // Half a surrogate pair can't be URL-encoded, and so can't stand in a URL either.
  const url = value.isWellFormed() ? encodeURIComponent(value) : value;
  const base64 = Buffer.from(value).toString('base64');
  return [value, json, url, new URLSearchParams({ '': value }).toString().slice(1), base64];
}

/**
 * The texts to mask for values: each line of each value, since logs are masked line by line, as it is and as JSON, URLs
 * and base64 have it.
 */
export function textsToMask(values: Iterable<string>): string[] {
  const texts = new Set<string>();
  for (const value of values) {
    const lines = value.split(/[\r\n]+/);
    for (const text of [value, ...lines]
      .flatMap((part) => encodingsOf(part))
      .flatMap((part) => part.split(/[\r\n]+/)))
      if (text.trim().length >= shortestLine) texts.add(text);
  }
  return [...texts];
}

/**
 * The line that has a CI system mask a text. Nothing in the text can end the line or begin another command.
 *
 * @see https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#masking-a-value-in-a-log
 * @see https://learn.microsoft.com/en-us/azure/devops/pipelines/scripts/logging-commands#setsecret-register-a-value-as-a-secret
 */
export function maskCommand(system: MaskingSystem, text: string): string {
  const percent = system === 'github' ? '%25' : '%AZP25';
  const data = text.replaceAll('%', percent).replaceAll('\r', '%0D').replaceAll('\n', '%0A');
  return system === 'github' ? `::add-mask::${data}` : `##vso[task.setsecret]${data}`;
}
