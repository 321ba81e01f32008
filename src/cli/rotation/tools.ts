import type { SecretArguments } from './arguments.ts';
import { connect } from './clients.ts';
import { createFunctionApi } from './function.ts';
import type { Tools } from './rotate.ts';
import { type Answer, showing } from './screen.ts';
import { createSecretsApi } from './secrets.ts';

/** Runs the work of a command with AWS's clients and a screen. @returns the exit code */
export function withTools(target: SecretArguments, work: (tools: Tools) => Promise<Answer>): Promise<number> {
  const clients = connect(target, process.env);
  const secrets = createSecretsApi(clients.secretsManager);
  const functions = createFunctionApi(clients.lambda);
  return showing(target.json, (screen) => work({ secrets, functions, screen }));
}
