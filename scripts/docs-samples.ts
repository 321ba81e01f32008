import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { createLogin } from '../examples/demo/database.ts';
import { secretName, storeLogin } from '../examples/demo/secrets.ts';
import { postgres } from '../rotators/postgres/index.ts';
import { createRotationHandler } from '../src/index.ts';
import { startLocalSecretsManager } from '../src/local/index.ts';
import { startPostgres } from '../test/support/postgres-server.ts';

/** The page of each sample. There it is the code block with the label `text sample=NAME`. */
export const pagesOfSamples = { attach: 'docs/command-line.md', status: 'docs/command-line.md' } as const;

export type SampleName = keyof typeof pagesOfSamples;

/** By name: a command line and its output, as the page shows them. */
export type Samples = Readonly<Record<SampleName, string>>;

/** Runs the commands of the docs on a real PostgreSQL and a local Secrets Manager. @throws Error if a command fails */
export async function makeSamples(): Promise<Samples> {
  await using resources = new AsyncDisposableStack();
  const server = await startPostgres({});
  resources.defer(() => server.stop());
  const local = await startLocalSecretsManager();
  resources.defer(() => local.close());
  const client = new SecretsManagerClient(local.clientConfig);
  resources.defer(() => client.destroy());
  const rotators = [postgres({ ca: () => server.ca })];
  const arn = local.registerFunction(
    'keyturn-demo',
    createRotationHandler({ rotators, client, environment: {} }),
  );
  await storeLogin(client, server, await createLogin(server), { form: 'json', adminSecretArn: undefined });

  const sample = async (...lines: readonly (readonly string[])[]): Promise<string> => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [
        '--disable-warning=ExperimentalWarning',
        fileURLToPath(new URL('../bin/keyturn.js', import.meta.url)),
        ...lines.flat(),
      ],
      { env: { PATH: process.env.PATH } },
    );
    const shown = lines.map((line) => line.join(' ')).join(' \\\n    ');
    return `$ npx keyturn ${shown}\n${stdout.trimEnd()}\n`;
  };
  const endpoint = ['--endpoint', local.url];
  const schedule = ['--every', '7d', '--at-hour', '3', '--window', '2h'];
  const attach = await sample(['attach', secretName, ...schedule, ...endpoint], ['--function', arn]);
  return { attach, status: await sample(['status', secretName, ...endpoint]) };
}

/** Puts a sample into the text of a page. @throws Error if the page has no block for the sample */
export function withSample(page: string, name: SampleName, sample: string): string {
  const block = blockOf(name);
  if (!block.test(page)) throw new Error(`The page has no block \`\`\`text sample=${name}.`);
  return page.replace(block, () => `\`\`\`text sample=${name}\n${sample}\`\`\``);
}

/** The sample in the text of a page; undefined if the page has none. */
export function sampleIn(page: string, name: SampleName): string | undefined {
  return blockOf(name).exec(page)?.[1];
}

function blockOf(name: SampleName): RegExp {
  return new RegExp(`\`\`\`text sample=${name}\n(.*?)\`\`\``, 's');
}

/** Replaces what differs from run to run by words: ports, ids, dates and durations. */
export function withoutChance(sample: string): string {
  return sample
    .replaceAll(/(localhost|127\.0\.0\.1):\d+/g, '$1:PORT')
    .replaceAll(/(secret:[\w/]+)-\w{6}\b/g, '$1-SUFFIX')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:]+Z/g, 'DATE')
    .replaceAll(/(just now|in \d+ \w+|\d+ \w+ ago)(?= \(DATE)/g, 'THEN')
    .replaceAll(/\b[0-9a-f]{8}\b/g, 'ID')
    .replaceAll(/\b\d+(\.\d+)? m?s\b/g, 'TIME');
}
