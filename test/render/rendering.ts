import { KeyturnError } from '../../src/errors.ts';
import type { FormatName } from '../../src/render/format-names.ts';
import { loadFormat } from '../../src/render/load-format.ts';
import { parseTemplate } from '../../src/render/parse.ts';
import { type RenderProblem, RenderProblems } from '../../src/render/problems.ts';
import { renderTemplate } from '../../src/render/render.ts';
import { createResolver, type SecretSource } from '../../src/render/secrets.ts';

/** A Secrets Manager with texts by name, which counts its calls. */
export function sourceOf(
  secrets: Readonly<Record<string, string>>,
): SecretSource & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    read: async (secret, version) => {
      asked.push(secret);
      const label = 'id' in version ? version.id : version.stage;
      const text = secrets[label === 'AWSCURRENT' ? secret : `${secret}@${label}`];
      if (text === undefined)
        throw new KeyturnError('SecretNotFound', `There is no ${secret}.`, 'Check its name.');
      return { arn: `arn:${secret}`, versionId: 'version', text };
    },
    tags: async () => new Map(),
  };
}

/** Renders a template's text. @throws RenderProblems */
export async function render(
  format: FormatName,
  template: string,
  secrets: Readonly<Record<string, string>>,
  variables: Readonly<Record<string, string>> = {},
): Promise<string> {
  const parsed = parseTemplate(template, await loadFormat(format), new Map(Object.entries(variables)));
  return (await renderTemplate(parsed, createResolver(sourceOf(secrets)))).text;
}

/** What is wrong with a template; none where it renders. */
export async function problemsOf(...args: Parameters<typeof render>): Promise<readonly RenderProblem[]> {
  try {
    await render(...args);
    return [];
  } catch (error) {
    if (error instanceof RenderProblems) return error.problems;
    throw error;
  }
}
