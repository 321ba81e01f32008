import { access, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ApiDescription } from '../../rotators/api-token/index.ts';
import { root, run } from './program.ts';
import { machine } from './reach.ts';

/** Settings of a function that runs on this machine. */
export interface FunctionSettings {
  /** Port of the local Secrets Manager on this machine. */
  readonly secretsManagerPort: number;
  /** PEM of the authority that has signed the target's certificate. */
  readonly ca: string;
  /** Descriptions of APIs whose tokens it rotates. */
  readonly apis?: readonly ApiDescription[] | undefined;
  /** Whether to take what was built last, as it is. */
  readonly built?: boolean;
}

/** This build has a folder of its own, because the target's certificate authority is added to it. */
const buildFolder = '.aws-sam/local';

/** The function's name in the template. */
export const functionId = 'RotationFunction';

/**
 * Builds the function as for a deployment, and adds the settings.
 * @returns arguments of `sam local` for that build; files are removed with `resources`
 * @throws Error with one line if what was built last is asked for and nothing was
 */
export async function buildFunction(
  { secretsManagerPort, ca, apis = [], built = false }: FunctionSettings,
  resources: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<string[]> {
  if (built) await requireBuild();
  else await run('sam', ['build', '--build-dir', buildFolder], { signal });
  /** @returns the file's path in the container */
  const addFile = async (name: string, content: string): Promise<string> => {
    const file = join(root, buildFolder, functionId, name);
    resources.defer(() => rm(file, { force: true }));
    await writeFile(file, content);
    return `/var/task/${name}`;
  };
  const variablesFile = join(root, buildFolder, 'env.json');
  const variables = {
    SECRETS_MANAGER_ENDPOINT: `http://${machine}:${secretsManagerPort}`,
    KEYTURN_CA_FILE: await addFile('ca.pem', ca),
    KEYTURN_API_TOKENS_FILE: await addFile('api-tokens.json', JSON.stringify(apis)),
  };
  await writeFile(variablesFile, JSON.stringify({ [functionId]: variables }));
  return [
    ...['--template', `${buildFolder}/template.yaml`, '--env-vars', variablesFile],
    ...['--add-host', `${machine}:host-gateway`],
    ...['--parameter-overrides', `architecture=${process.arch === 'arm64' ? 'arm64' : 'x86_64'}`],
    ...imageArguments(),
  ];
}

async function requireBuild(): Promise<void> {
  await access(join(root, buildFolder, 'template.yaml')).catch(() => {
    throw new Error('Nothing was built yet: leave --built out once.');
  });
}

/**
 * Variables of `sam local`, for a function that signs with this key. SAM would ask AWS who owns the key. So AWS's endpoint
 * is set to a port at which nothing listens.
 */
export function localEnvironment(accessKeyId: string): Readonly<Record<string, string>> {
  return {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_ENDPOINT_URL_STS: 'http://127.0.0.1:9',
    AWS_MAX_ATTEMPTS: '1',
  };
}

/** AWS's image, which SAM pulls, unless KEYTURN_INVOKE_IMAGE names a local one. */
function imageArguments(): string[] {
  const image = process.env.KEYTURN_INVOKE_IMAGE;
  return image ? ['--invoke-image', image, '--skip-pull-image'] : [];
}
