import { afterAll, beforeAll, expect, it } from 'vitest';
import { run } from '../../examples/sam/program.ts';
import { type Moto, startMoto } from './moto.ts';
import { describeUnless, missingSam } from './tools.ts';

interface Statement {
  readonly Sid: string;
  readonly Resource: string | readonly string[];
  readonly Condition?: object;
}

/** What deploy_fleet.py tells. */
interface DeployedFleet {
  readonly status: string;
  readonly outputs: Readonly<Record<string, string>>;
  readonly machines: readonly string[];
  readonly target: readonly Statement[];
  readonly fleet: readonly Statement[];
  readonly encryption: object;
}

// moto makes the state machines without their definitions, which other tests interpret, and the bucket without its policy.
describeUnless(await missingSam(), 'fleet.yaml', () => {
  let moto: Moto;
  beforeAll(async () => {
    moto = await startMoto('http://127.0.0.1:9');
  });
  afterAll(() => moto?.stop());

  const functionArn = 'arn:aws:lambda:us-east-1:123456789012:function:keyturn';
  const kmsKeyArn = 'arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555';

  async function deploy(stack: string, given: Readonly<Record<string, string>>): Promise<DeployedFleet> {
    const parameters = Object.entries(given).map(([name, value]) => `${name}=${value}`);
    const { stdout } = await run('python', ['test/sam/deploy_fleet.py', stack, ...parameters], {
      env: moto.env,
    });
    return JSON.parse(stdout);
  }

  it('passes cfn-lint, the definitions of its state machines included', async () => {
    expect((await run('cfn-lint', ['fleet.yaml'])).stdout).toBe('');
  });

  it('is deployed, with two state machines, an encrypted bucket and narrow roles', async () => {
    const deployed = await deploy('fleet', { rotationFunctionArns: functionArn });
    expect(deployed.status).toBe('CREATE_COMPLETE');
    const machine = 'arn:aws:states:us-east-1:123456789012:stateMachine:keyturn-fleet';
    expect([...deployed.machines].sort()).toEqual([machine, `${machine}-target`]);
    expect(deployed.outputs.FleetStateMachineArn).toBe(machine);
    expect(JSON.stringify(deployed.encryption)).toContain('AES256');
    expect(deployed.target.map(({ Sid }) => Sid)).toEqual([
      'LookAtSecrets',
      'RotateSecretsOfTheseFunctions',
      'InvokeTheseFunctions',
    ]);
    expect(deployed.target[1]?.Condition).toEqual({
      StringEquals: { 'secretsmanager:resource/AllowRotationLambdaArn': [functionArn] },
    });
    expect(deployed.fleet.map(({ Sid }) => Sid)).not.toContain('UseTheKeyOfTheBucket');
    for (const { Resource } of [...deployed.target, ...deployed.fleet])
      for (const arn of [Resource].flat()) expect(arn).toMatch(/^arn:aws:[a-z0-9]+:/);
  });

  it('takes a name, several functions and a key', async () => {
    const second = functionArn.replace('keyturn', 'other');
    const deployed = await deploy('named', {
      fleetName: 'night',
      rotationFunctionArns: `${functionArn},${second}`,
      kmsKeyArn,
    });
    expect(deployed.outputs.FleetStateMachineArn).toMatch(/:stateMachine:night$/);
    expect(deployed.target.find(({ Sid }) => Sid === 'InvokeTheseFunctions')?.Resource).toEqual([
      functionArn,
      second,
    ]);
    expect(deployed.fleet).toContainEqual(
      expect.objectContaining({ Sid: 'UseTheKeyOfTheBucket', Resource: kmsKeyArn }),
    );
    expect(JSON.stringify(deployed.encryption)).toContain(kmsKeyArn);
  });
});
