import { getStaticTOMLValue, parseTOML } from 'toml-eslint-parser';
import { parse } from 'yaml';

/** What a deployment was asked for. */
export interface DeployArguments {
  /** Parameters of the template, by name. */
  readonly parameters: ReadonlyMap<string, string>;
  /** The profile of samconfig.toml. */
  readonly profile: string;
  /** What is for `sam deploy`. */
  readonly others: readonly string[];
}

/** The arguments are wrong; the message says how. */
export class DeployUsageError extends Error {}

/**
 * Reads `NAME=VALUE...` and options of `sam deploy`. These are handed on as they are: parseArgs would have to know all of
 * them, and which of them take a value.
 *
 * @param template text of template.yaml, which SAM would not compare the names with
 * @throws DeployUsageError
 */
export function readDeployArguments(args: readonly string[], template: string): DeployArguments {
  const { Parameters }: { Parameters: object } = parse(template, { logLevel: 'silent' });
  const known = new Set(Object.keys(Parameters));
  const parameters = new Map<string, string>();
  const others: string[] = [];
  for (const argument of args) {
    const [, name = '', value = ''] = /^([A-Za-z]\w*)=(.*)$/s.exec(argument) ?? [];
    const isOptionsValue =
      others.at(-1)?.startsWith('--') && !others.at(-1)?.includes('=') && !known.has(name);
    if (name === '' || isOptionsValue) others.push(argument);
    else if (known.has(name)) parameters.set(name, value);
    else
      throw new DeployUsageError(
        `The template has no parameter ${name}. docs/deploy.md lists those that it has.`,
      );
  }
  if (others.some((option) => option.startsWith('--parameter-overrides')))
    throw new DeployUsageError('Give parameters as NAME=VALUE, without --parameter-overrides.');
  const at = others.indexOf('--config-env');
  const joined = others.find((option) => option.startsWith('--config-env='));
  const profile = joined?.slice('--config-env='.length) ?? (at < 0 ? 'default' : (others[at + 1] ?? ''));
  return { parameters, profile, others };
}

/**
 * The parameters of a profile with those of the command line, as `sam deploy` takes them: what is given there would
 * otherwise replace all that the profile has.
 * @param samconfig text of samconfig.toml
 * @throws DeployUsageError where there is no such profile
 */
export function parameterOverrides(
  { parameters, profile }: Pick<DeployArguments, 'parameters' | 'profile'>,
  samconfig: string,
): string[] {
  const config: unknown = getStaticTOMLValue(parseTOML(samconfig));
  const found: unknown = Object(config)[profile];
  if (found === undefined) throw new DeployUsageError(`samconfig.toml has no profile ${profile}.`);
  const ofProfile = String(Object(found).deploy?.parameters?.parameter_overrides ?? '');
  const pairs = ofProfile.split(' ').filter((pair) => pair !== '');
  const all = new Map(
    pairs.map((pair): [string, string] => [before(pair), pair.slice(before(pair).length + 1)]),
  );
  for (const [name, value] of parameters) all.set(name, value);
  return [...all].map(([name, value]) => `ParameterKey=${name},ParameterValue=${quoted(value)}`);
}

function before(pair: string): string {
  return pair.slice(0, pair.indexOf('='));
}

/** SAM splits at spaces outside of quotes. */
function quoted(value: string): string {
  return `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
