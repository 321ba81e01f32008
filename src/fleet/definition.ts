import { type ChoiceRule, type Outcome, rules } from './decisions.ts';

/** The version of the plans that the state machines take. It is in their comments too. */
export const fleetVersion = 1;

/** The comment by which a state machine of this version is recognised. */
export const fleetComment = `Keyturn fleet ${fleetVersion}`;

/** A definition in the Amazon States Language. */
export interface Definition {
  readonly Comment: string;
  readonly StartAt: string;
  readonly States: Readonly<Record<string, object>>;
}

/**
 * Transient errors of Secrets Manager. The SDK integration has one name for all errors that its model lacks, such as
 * throttling.
 */
const retry = {
  Retry: [
    {
      ErrorEquals: [
        'SecretsManager.SecretsManagerException',
        'SecretsManager.ThrottlingException',
        'SecretsManager.InternalServiceErrorException',
        'SecretsManager.InternalServiceError',
        'States.Timeout',
      ],
      IntervalSeconds: 1,
      BackoffRate: 2,
      MaxAttempts: 6,
      MaxDelaySeconds: 30,
      JitterStrategy: 'FULL',
    },
  ],
};

const describe = {
  Type: 'Task',
  Resource: 'arn:aws:states:::aws-sdk:secretsmanager:describeSecret',
  ResultPath: '$.secret',
  ...retry,
};

const errors = (next: Readonly<Record<'gone' | 'failed', string>>) => [
  { ErrorEquals: ['SecretsManager.ResourceNotFoundException'], ResultPath: '$.error', Next: next.gone },
  { ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: next.failed },
];

/** The last state for a secret: its outcome. */
function ending(outcome: Outcome, detail: object = { detail: '' }): object {
  const failed = outcome !== 'rotated' && outcome !== 'already-rotated';
  return {
    Type: 'Pass',
    Parameters: { 'arn.$': '$.entry.arn', outcome, failed, ...detail },
    End: true,
  };
}

function choices(next: (verdict: string) => string): object[] {
  return rules.map(({ verdict, choice }): ChoiceRule => ({ ...choice, Next: next(verdict) }));
}

const stateOf: Readonly<Record<string, string>> = { gone: 'Gone', off: 'Off', rotated: 'Rotated' };

/** Rotates one secret: looks first whether it is due, rotates it with the plan's token, and waits for the end. */
const rotateSecret = {
  StartAt: 'Look',
  States: {
    Look: {
      ...describe,
      Parameters: { 'SecretId.$': '$.entry.arn' },
      Catch: errors({ gone: 'Gone', failed: 'Failed' }),
      Next: 'IsDue',
    },
    IsDue: {
      Type: 'Choice',
      Choices: choices((verdict) =>
        verdict === 'rotated' ? 'AlreadyRotated' : (stateOf[verdict] ?? 'Failed'),
      ),
      Default: 'Rotate',
    },
    Rotate: {
      Type: 'Task',
      Resource: 'arn:aws:states:::aws-sdk:secretsmanager:rotateSecret',
      // With the token, a repeated request is the same request.
      Parameters: { 'SecretId.$': '$.entry.arn', 'ClientRequestToken.$': '$.entry.token' },
      ResultPath: null,
      ...retry,
      Catch: [
        // An earlier rotation isn't complete: Secrets Manager continues that one.
        {
          ErrorEquals: ['SecretsManager.InvalidRequestException'],
          ResultPath: '$.error',
          Next: 'Begin',
        },
        ...errors({ gone: 'Gone', failed: 'Failed' }),
      ],
      Next: 'Begin',
    },
    Begin: { Type: 'Pass', Result: 0, ResultPath: '$.looks', Next: 'Wait' },
    Wait: { Type: 'Wait', SecondsPath: '$.pollSeconds', Next: 'LookAgain' },
    LookAgain: {
      ...describe,
      Parameters: { 'SecretId.$': '$.entry.arn' },
      Catch: errors({ gone: 'Gone', failed: 'Failed' }),
      Next: 'IsRotated',
    },
    IsRotated: {
      Type: 'Choice',
      Choices: [
        ...choices((verdict) => stateOf[verdict] ?? 'Failed'),
        { Variable: '$.looks', NumericGreaterThanEqualsPath: '$.mostLooks', Next: 'Unfinished' },
      ],
      Default: 'Count',
    },
    Count: {
      Type: 'Pass',
      Parameters: {
        'entry.$': '$.entry',
        'pollSeconds.$': '$.pollSeconds',
        'mostLooks.$': '$.mostLooks',
        'looks.$': 'States.MathAdd($.looks, 1)',
      },
      Next: 'Wait',
    },
    Rotated: ending('rotated'),
    AlreadyRotated: ending('already-rotated'),
    Gone: ending('gone'),
    Off: ending('off'),
    Unfinished: ending('unfinished'),
    Failed: ending('failed', { 'detail.$': '$.error.Cause' }),
  },
};

/**
 * One target: rotates its secrets, a limited number at once. It fails if one of them was not rotated, and names it in
 * its cause. If the target's secret of the canary wave is not rotated, it skips the others.
 */
export const targetDefinition: Definition = {
  Comment: `${fleetComment}: one target`,
  StartAt: 'HasCanary',
  States: {
    HasCanary: {
      Type: 'Choice',
      Choices: [{ Variable: '$.canary', IsPresent: true, Next: 'LookAtCanary' }],
      Default: 'Secrets',
    },
    LookAtCanary: {
      ...describe,
      Parameters: { 'SecretId.$': '$.canary.arn' },
      ResultPath: '$.look.secret',
      Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: 'CanaryFailed' }],
      Next: 'KeepCanary',
    },
    KeepCanary: {
      Type: 'Pass',
      Parameters: { 'secret.$': '$.look.secret', 'entry.$': '$.canary', 'item.$': '$' },
      Next: 'IsCanaryRotated',
    },
    IsCanaryRotated: {
      Type: 'Choice',
      Choices: rules
        .filter(({ verdict }) => verdict === 'rotated')
        .map(({ choice }): ChoiceRule => ({ ...choice, Next: 'GoOn' })),
      Default: 'CanaryFailed',
    },
    GoOn: { Type: 'Pass', OutputPath: '$.item', Next: 'Secrets' },
    CanaryFailed: {
      Type: 'Fail',
      Error: 'CanaryFailed',
      Cause: "The target's first secret was not rotated: nothing else of the target was touched.",
    },
    Secrets: {
      Type: 'Map',
      ItemsPath: '$.secrets',
      MaxConcurrencyPath: '$.perTarget',
      ItemSelector: {
        'entry.$': '$$.Map.Item.Value',
        'pollSeconds.$': '$.pollSeconds',
        'mostLooks.$': '$.mostLooks',
      },
      ItemProcessor: { ProcessorConfig: { Mode: 'INLINE' }, ...rotateSecret },
      ResultPath: '$.outcomes',
      Next: 'Judge',
    },
    Judge: {
      Type: 'Pass',
      Parameters: {
        'target.$': '$.target',
        'outcomes.$': '$.outcomes',
        // A path to all items would do, but for a single item some interpreters don't answer with a list.
        'text.$': 'States.JsonToString($.outcomes)',
      },
      Next: 'AreAllRotated',
    },
    AreAllRotated: {
      Type: 'Choice',
      Choices: [{ Variable: '$.text', StringMatches: '*"failed":true*', Next: 'SomeFailed' }],
      Default: 'Done',
    },
    Done: { Type: 'Succeed' },
    SomeFailed: { Type: 'Fail', Error: 'SecretsNotRotated', CausePath: '$.text' },
  },
};

/**
 * The fleet: wave after wave. Each wave is a distributed map over targets, which stops at too many failures. Each target
 * is an execution of its own. So a redrive starts a failed target again, and that looks first which secrets are rotated.
 *
 * `${Bucket}` and `${TargetStateMachineArn}` are substituted by the template.
 */
export const fleetDefinition: Definition = {
  Comment: fleetComment,
  StartAt: 'IsPlanOfThisVersion',
  States: {
    IsPlanOfThisVersion: {
      Type: 'Choice',
      Choices: [{ Variable: '$.version', NumericEquals: fleetVersion, Next: 'Waves' }],
      Default: 'PlanOfAnotherVersion',
    },
    PlanOfAnotherVersion: {
      Type: 'Fail',
      Error: 'PlanOfAnotherVersion',
      Cause: `This state machine takes plans of version ${fleetVersion}. Deploy fleet.yaml of the Keyturn that made the plan, or make the plan anew.`,
    },
    Waves: {
      Type: 'Map',
      ItemsPath: '$.waves',
      MaxConcurrency: 1,
      ItemSelector: { 'wave.$': '$$.Map.Item.Value' },
      ItemProcessor: {
        ProcessorConfig: { Mode: 'INLINE' },
        StartAt: 'Targets',
        States: {
          Targets: {
            Type: 'Map',
            Label: 'Targets',
            ItemReader: {
              Resource: 'arn:aws:states:::s3:getObject',
              ReaderConfig: { InputType: 'JSON' },
              Parameters: { Bucket: substitution('Bucket'), 'Key.$': '$.wave.key' },
            },
            MaxConcurrencyPath: '$.wave.targetsAtOnce',
            ToleratedFailureCountPath: '$.wave.toleratedFailures',
            ItemProcessor: {
              ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
              StartAt: 'Target',
              States: {
                Target: {
                  Type: 'Task',
                  Resource: 'arn:aws:states:::states:startExecution.sync:2',
                  Parameters: {
                    StateMachineArn: substitution('TargetStateMachineArn'),
                    'Input.$': '$',
                  },
                  ResultSelector: { 'output.$': '$.Output' },
                  OutputPath: '$.output',
                  End: true,
                },
              },
            },
            ResultWriter: {
              Resource: 'arn:aws:states:::s3:putObject',
              Parameters: { Bucket: substitution('Bucket'), 'Prefix.$': '$$.Execution.Input.results' },
            },
            End: true,
          },
        },
      },
      End: true,
    },
  },
};

/** A name that the template substitutes. */
function substitution(name: 'Bucket' | 'TargetStateMachineArn'): string {
  return `\${${name}}`;
}
