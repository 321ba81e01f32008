import { fstatSync } from 'node:fs';
import { type MaskingSystem, maskCommand, textsToMask } from '../render/masks.ts';
import { UsageError } from './command.ts';

/** The option for where to print the lines that make a CI system mask values. */
export const maskOption = { masks: { type: 'string' } } as const;

export const maskOptionHelp = `  --masks WHERE     Where to print the lines that make GitHub Actions and Azure Pipelines mask credentials in the log:
                    stdout (the default), stderr, or none
`;

/** Where the masking lines are printed. */
export type MaskStream = 'stdout' | 'stderr' | 'none';

/** @throws UsageError */
export function readMaskStream(text: string | undefined, byDefault: 'stdout' | 'stderr'): MaskStream {
  if (text === undefined) return byDefault;
  if (text === 'stdout' || text === 'stderr' || text === 'none') return text;
  throw new UsageError(`--masks must be stdout, stderr or none, not '${text}'`);
}

/** The CI system that this process runs in, if it can mask. */
export function maskingSystem(environment: NodeJS.ProcessEnv): MaskingSystem | undefined {
  if (environment.GITHUB_ACTIONS === 'true') return 'github';
  return environment.TF_BUILD?.toLowerCase() === 'true' ? 'azure' : undefined;
}

/** Makes the CI system mask values in its log. Prints nothing without such a system. */
export function registerMasks(
  system: MaskingSystem | undefined,
  stream: MaskStream,
  values: Iterable<string>,
): void {
  if (system === undefined || stream === 'none') return;
  const output = stream === 'stdout' ? process.stdout : process.stderr;
  // In a file, no CI system would read the lines. They would only be the values in plain text.
  if (fstatSync(output.fd).isFile()) {
    process.stderr.write(
      `keyturn: nothing is masked: ${stream} is a file, not a log; choose another stream with --masks\n`,
    );
    return;
  }
  for (const text of textsToMask(values)) output.write(`${maskCommand(system, text)}\n`);
}
