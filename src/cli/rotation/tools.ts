import { createRedactor, type Redactor } from '../../redact.ts';
import { createAwsSecretsManagement } from '../../secrets-manager/aws.ts';
import type { Secret, SecretsManagementPort } from '../../secrets-manager/port.ts';
import type { SecretArguments } from './arguments.ts';
import { type ClientsTarget, connect } from './clients.ts';
import { createFunctionApi } from './function.ts';
import type { Tools } from './rotate.ts';
import { type CommandResult, runWithScreen, type Screen } from './screen.ts';

/** Runs the work of a command with AWS's clients and a screen. @returns the exit code */
export function withTools(
  target: Omit<SecretArguments, 'secret'> & { readonly secret?: string },
  work: (tools: Tools) => Promise<CommandResult>,
): Promise<number> {
  const redactor = createRedactor();
  return runWithScreen({ json: target.json, redactor }, (screen) =>
    work(toolsFor({ ...target, secret: target.secret ?? '' }, redactor, screen)),
  );
}

/** AWS's clients for a place. @param redactor learns every value that is read */
export function toolsFor(target: ClientsTarget, redactor: Redactor, screen: Screen): Tools {
  const clients = connect(target, process.env);
  const secrets = telling(
    redactor,
    createAwsSecretsManagement({ client: clients.secretsManager, reader: 'person' }),
  );
  return { clients, secrets, functions: createFunctionApi(clients.lambda), screen };
}

/** Makes the redactor learn every value that is read. The function may be anybody's, and its answers may hold a value. */
export function telling(redactor: Redactor, api: SecretsManagementPort): SecretsManagementPort {
  const publish = (secret: Secret): Secret => {
    redactor.publish(secret.arn, secret.name, secret.functionArn ?? '', ...Object.keys(secret.stages));
    return secret;
  };
  return {
    ...api,
    async *list(wanted) {
      for await (const secret of api.list(wanted)) yield publish(secret);
    },
    describe: async (secretId) => publish(await api.describe(secretId)),
    read: async (secretId, version) => {
      const value = await api.read(secretId, version);
      redactor.learnSecret(value.text);
      return value;
    },
  };
}
