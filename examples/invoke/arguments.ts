import { type ProgramOptions, programHelp, readOptions } from '../../scripts/program.ts';
import { type RotationStep, rotationSteps } from '../../src/local/events.ts';

/** The kinds of target, which are also the folders of `events`. */
export const rotatorNames = ['postgres', 'sqlserver', 'api-token'] as const;
export type RotatorName = (typeof rotatorNames)[number];

export interface InvokeArguments {
  readonly step: RotationStep;
  readonly rotator: RotatorName;
  /** Whether to invoke what was built last. */
  readonly built: boolean;
  readonly json: boolean;
  readonly help: boolean;
}

const options = {
  step: { type: 'string', default: '', placeholder: 'STEP', about: rotationSteps.join(', ') },
  rotator: {
    type: 'string',
    default: 'postgres',
    placeholder: 'NAME',
    about: [
      'postgres (default): a real PostgreSQL',
      'sqlserver: the server that KEYTURN_TEST_SQLSERVER_URL names, or a stand-in',
      'api-token: a small HTTP service that issues tokens',
    ].join('\n'),
  },
  built: { type: 'boolean', default: false, about: 'Invoke what was built last, and build nothing' },
} as const satisfies ProgramOptions;

export const help = programHelp({
  about:
    'Invokes the function as it is deployed, in a container on this machine, for one step of a rotation.',
  command: 'npm run invoke',
  details: `It builds the function, starts a local Secrets Manager and a target, and brings a secret to that step. Then
"sam local invoke" sends the event of events/ROTATOR/STEP.json, and it shows the outcome. It needs the SAM CLI and a
Docker engine.`,
  options,
  variables: {
    KEYTURN_INVOKE_IMAGE: "A local image to run the function in. Without it, the SAM CLI pulls AWS's image",
  },
});

/** @throws Error with one line that says what is wrong */
export function readArguments(args: readonly string[]): InvokeArguments {
  const { values, json, help } = readOptions(options, args);
  if (help) return { step: 'createSecret', rotator: 'postgres', built: false, json, help };
  const step = oneOf(rotationSteps, '--step', values.step);
  const rotator = oneOf(rotatorNames, '--rotator', values.rotator);
  return { step, rotator, built: values.built, json, help };
}

function oneOf<Name extends string>(names: readonly Name[], option: string, value: string): Name {
  const found = names.find((name) => name === value);
  if (found !== undefined) return found;
  throw new Error(`${option} must be one of ${names.join(', ')}${value === '' ? '' : `, not '${value}'`}.`);
}
