import { createRedactor, type Redactor } from '../../redact.ts';
import { createAwsSecretsManagement } from '../../secrets-manager/aws.ts';
import type { SecretsManagementPort } from '../../secrets-manager/port.ts';
import type { SecretArguments } from './arguments.ts';
import { connect } from './clients.ts';
import { createFunctionApi } from './function.ts';
import type { Tools } from './rotate.ts';
import { type Answer, showing } from './screen.ts';

/** Runs the work of a command with AWS's clients and a screen. @returns the exit code */
export function withTools(target: SecretArguments, work: (tools: Tools) => Promise<Answer>): Promise<number> {
  const clients = connect(target, process.env);
  const redactor = createRedactor();
  const secrets = telling(
    redactor,
    createAwsSecretsManagement({ client: clients.secretsManager, reader: 'person' }),
  );
  const functions = createFunctionApi(clients.lambda);
  return showing({ json: target.json, redactor }, (screen) => work({ secrets, functions, screen }));
}

/** Tells the redactor of whatever is read: a function may be anybody's, and say what it likes. */
function telling(redactor: Redactor, api: SecretsManagementPort): SecretsManagementPort {
  return {
    ...api,
    describe: async (secretId) => {
      const secret = await api.describe(secretId);
      redactor.publish(secret.arn, secret.name, secret.functionArn ?? '', ...Object.keys(secret.stages));
      return secret;
    },
    read: async (secretId, version) => {
      const value = await api.read(secretId, version);
      redactor.learnSecret(value.text);
      return value;
    },
  };
}
