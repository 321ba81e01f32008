import { readFile } from 'node:fs/promises';
import {
  array,
  getDotPath,
  type InferOutput,
  number,
  optional,
  record,
  safeParse,
  strictObject,
  string,
  union,
  unknown,
} from 'valibot';
import { UsageError } from './command.ts';

const policy = record(string(), unknown());

/** The content of a file for `--policies`: see LocalPrincipal, LocalRole and LocalKey. */
const policyFile = strictObject({
  principals: array(
    strictObject({
      arn: string(),
      accessKeyId: string(),
      secretAccessKey: string(),
      sessionToken: optional(string()),
      policies: optional(array(policy)),
      permissionsBoundary: optional(policy),
      sessionPolicy: optional(policy),
      context: optional(record(string(), union([string(), array(string())]))),
    }),
  ),
  roles: optional(
    array(
      strictObject({
        arn: string(),
        trustPolicy: policy,
        policies: optional(array(policy)),
        permissionsBoundary: optional(policy),
        maxSessionDurationSeconds: optional(number()),
        context: optional(record(string(), union([string(), array(string())]))),
      }),
    ),
  ),
  keys: optional(
    array(strictObject({ arn: string(), aliases: optional(array(string())), policy: optional(policy) })),
  ),
});

/**
 * Reads the principals, roles and keys of a file. It holds secret access keys, so no error quotes it.
 *
 * @throws UsageError if it can't be read, or is not such a file
 */
export async function readPolicyFile(path: string): Promise<InferOutput<typeof policyFile>> {
  const result = safeParse(policyFile, parseJson(path, await readText(path)));
  if (result.success) return result.output;
  const [issue] = result.issues;
  const place = getDotPath(issue) ?? 'its top';
  throw new UsageError(`--policies: ${path} must hold ${issue.expected ?? 'something else'} at ${place}`);
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'an error';
    throw new UsageError(`--policies: ${path} can't be read (${code})`);
  }
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UsageError(`--policies: ${path} is not JSON`);
  }
}
