import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { root } from '../examples/sam/program.ts';
import { DeployUsageError, parameterOverrides, readDeployArguments } from './deploy-arguments.ts';
import { runSam } from './run-sam.ts';

const help = `Builds the function and deploys it, with the profile "default" of samconfig.toml.

Usage: npm run deploy -- [NAME=VALUE...] [OPTIONS]

  NAME=VALUE            a parameter of the template: see docs/parameters.md. The stack keeps it until you give another value
  --config-env PROFILE  another profile of samconfig.toml, such as dev or prod
  OPTIONS               whatever "sam deploy" takes, such as --no-confirm-changeset

It asks for the region if none is set, and whether to make the changes. It asks nothing else.
`;

/** Options that name the region. Asks for it if the command line, the environment and AWS's files name none. */
async function regionOptions(others: readonly string[]): Promise<string[]> {
  if (others.some((option) => /^--region(=|$)/.test(option))) return [];
  const { AWS_REGION, AWS_DEFAULT_REGION } = process.env;
  const client = new SecretsManagerClient(AWS_DEFAULT_REGION ? { region: AWS_DEFAULT_REGION } : {});
  const found = AWS_REGION || (await client.config.region().catch(() => undefined));
  if (found !== undefined) return ['--region', found];
  // With an AWS profile, SAM looks for the region itself, and says what is wrong with the profile.
  if (process.env.AWS_PROFILE || others.some((option) => /^--profile(=|$)/.test(option))) return [];
  if (!process.stdin.isTTY)
    throw new DeployUsageError(
      'No region is set: set AWS_REGION, or give --region, such as --region us-east-1.',
    );
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question('Region to deploy to, such as us-east-1: ');
  terminal.close();
  return ['--region', answer.trim()];
}

async function deploy(args: readonly string[]): Promise<number> {
  const [template, samconfig] = await Promise.all(
    ['template.yaml', 'samconfig.toml'].map((file) => readFile(join(root, file), 'utf8')),
  );
  const asked = readDeployArguments(args, template ?? '');
  const overrides = parameterOverrides(asked, samconfig ?? '');
  const region = await regionOptions(asked.others);
  const built = await runSam(['build']);
  if (built !== 0) return built;
  const given = overrides.length === 0 ? [] : ['--parameter-overrides', ...overrides];
  return runSam(['deploy', ...asked.others, ...region, ...given]);
}

const args = process.argv.slice(2);
try {
  if (args.includes('--help')) process.stdout.write(help);
  else process.exitCode = await deploy(args);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = error instanceof DeployUsageError ? 2 : 1;
}
