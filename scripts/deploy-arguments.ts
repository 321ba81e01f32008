import { getStaticTOMLValue, parseTOML } from 'toml-eslint-parser';
import { parse } from 'yaml';

/** What a deployment was asked for. */
export interface DeployArguments {
  /** Values of the template's parameters, by name. */
  readonly parameters: ReadonlyMap<string, string>;
  /** The profile of samconfig.toml. */
  readonly profile: string;
  /** Options for `sam deploy`. */
  readonly others: readonly string[];
}

/** The command line is wrong. The message says what to write instead. */
export class DeployUsageError extends Error {}

/**
 * Reads `NAME=VALUE...` and options of `sam deploy`. The options are passed on as they are. parseArgs is not used, because
 * it would have to know every option of `sam deploy`, and which of them take a value.
 *
 * @param template text of template.yaml. SAM does not check whether a parameter's name is in it, so this does
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
        `The template has no parameter ${name}. docs/parameters.md lists those that it has.`,
      );
  }
  if (others.some((option) => option.startsWith('--parameter-overrides')))
    throw new DeployUsageError('Give parameters as NAME=VALUE, without --parameter-overrides.');
  const at = others.indexOf('--config-env');
  const joined = others.find((option) => option.startsWith('--config-env='));
  const profile = joined?.slice('--config-env='.length) ?? (at < 0 ? 'default' : (others[at + 1] ?? ''));
  if (profile === '') throw new DeployUsageError('--config-env needs a profile, such as --config-env prod.');
  return { parameters, profile, others };
}

/**
 * The parameters of a profile and of the command line, as `sam deploy` takes them. The command line wins. Without this,
 * `sam deploy` would drop all of the profile's parameters.
 *
 * @param samconfig text of samconfig.toml
 * @throws DeployUsageError if there is no such profile, or if its parameters can't be read
 */
export function parameterOverrides(
  { parameters, profile }: Pick<DeployArguments, 'parameters' | 'profile'>,
  samconfig: string,
): string[] {
  const config: unknown = getStaticTOMLValue(parseTOML(samconfig));
  const found: unknown = Object(config)[profile];
  if (found === undefined) {
    const profiles = Object.entries(Object(config)).flatMap(([name, one]) =>
      one === Object(one) ? name : [],
    );
    throw new DeployUsageError(`samconfig.toml has no profile ${profile}. It has ${profiles.join(', ')}.`);
  }
  const ofProfile: unknown = Object(found).deploy?.parameters?.parameter_overrides ?? [];
  const all = new Map([ofProfile].flat().flatMap((overrides) => readOverrides(overrides, profile)));
  for (const [name, value] of parameters) all.set(name, value);
  return [...all].map(([name, value]) => `ParameterKey=${name},ParameterValue=${quoted(value)}`);
}

const override =
  /\s*(?:ParameterKey=(\w+),ParameterValue|(\w+))=("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|(?:\\.|[^\s"'\\])*)(?=\s|$)/gsy;

/**
 * Reads parameters in the ways that SAM takes: a text of pairs, whose values may be quoted, or a table.
 * @see https://github.com/aws/aws-sam-cli/blob/develop/samcli/cli/types.py
 */
function readOverrides(overrides: unknown, profile: string): [name: string, value: string][] {
  if (typeof overrides !== 'string')
    return Object.entries(Object(overrides)).map(([name, value]) => [name, String(value)]);
  const text = overrides.trim();
  const pairs = [...text.matchAll(override)];
  if (pairs.map(([pair]) => pair).join('') !== text)
    throw new DeployUsageError(
      `parameter_overrides of the profile ${profile} in samconfig.toml can't be read. Write NAME=VALUE, and quote a value that has spaces: NAME=\\"VALUE\\".`,
    );
  return pairs.map(([, key, name = key ?? '', value = '']) => [name, unquoted(value)]);
}

/** As SAM does it: a backslash is removed only before a space or a quote. */
function unquoted(value: string): string {
  const inner = /^(["'])(.*)\1$/s.exec(value)?.[2] ?? value;
  return inner.replaceAll(/\\([ "'])/g, '$1');
}

/**
 * SAM splits at spaces outside of quotes. It leaves a doubled backslash doubled. That is harmless in excludeCharacters,
 * the one parameter that may need a backslash.
 */
function quoted(value: string): string {
  return `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
