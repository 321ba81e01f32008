import { execFileSync } from 'node:child_process';
import { stripTypeScriptTypes } from 'node:module';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { secretAsCode } from '../../src/create/as-code.ts';
import type { NewSecret } from '../../src/create/new-secret.ts';

const secret: NewSecret = {
  name: 'prod/orders/SqlServer',
  value: 'Server=db;Password=never-shown-anywhere',
  description: `It's "the" \${database} %{of} \\ orders\nline`,
  kmsKeyId: 'alias/shared',
  tags: new Map([['team', `a 'b' "c" \${d}`]]),
  resourcePolicy: '{"Version":"2012-10-17","Statement":[]}',
  replicas: [{ region: 'eu-west-1', kmsKeyId: undefined }],
  rotation: {
    functionArn: 'arn:aws:lambda:us-east-1:123456789012:function:keyturn',
    schedule: { expression: 'rate(30 days)', duration: '2h', words: 'every 30 days' },
    immediately: false,
  },
};

/** The arguments that a shell reads from a line. A program prints them. */
function argumentsIn(line: string): string[] {
  const script = `aws() { node -e 'console.log(JSON.stringify(process.argv.slice(1)))' -- "$@"; }\n${line}`;
  const said = execFileSync('bash', ['-c', script], { encoding: 'utf8' });
  return JSON.parse(said.trim());
}

describe('a secret as code', () => {
  it('has the value in none of them', () => {
    for (const { code } of Object.values(secretAsCode(secret))) expect(code).not.toContain('never-shown');
  });

  it('is a command of the AWS CLI that a shell reads as it is meant', () => {
    const [create = '', policy = '', rotate = ''] = secretAsCode(secret).cli.code.split(/(?<=\n)(?=aws )/);
    expect(argumentsIn(create)).toEqual([
      'secretsmanager',
      'create-secret',
      '--secret-string',
      'file://value.txt',
      '--name',
      secret.name,
      '--description',
      secret.description,
      '--kms-key-id',
      'alias/shared',
      '--tags',
      JSON.stringify([{ Key: 'team', Value: `a 'b' "c" \${d}` }]),
      '--add-replica-regions',
      '[{"Region":"eu-west-1"}]',
    ]);
    expect(argumentsIn(policy)).toContain(secret.resourcePolicy);
    expect(argumentsIn(rotate)).toContain('--no-rotate-immediately');
  });

  it('is a template of CloudFormation', () => {
    const {
      Resources,
    }: Record<string, Record<string, { Properties: object }>> = JSON.parse(
      secretAsCode(secret).cloudformation.code,
    );
    expect(Resources?.Secret?.Properties).toMatchObject({
      Name: secret.name,
      Description: secret.description,
      SecretString: { Ref: 'SecretValue' },
    });
    expect(Resources?.Rotation?.Properties).toMatchObject({
      RotateImmediatelyOnUpdate: false,
      RotationRules: { ScheduleExpression: 'rate(30 days)', Duration: '2h' },
    });
  });

  it('is TypeScript for the CDK, with all texts unchanged', () => {
    const code = stripTypeScriptTypes(secretAsCode(secret).cdk.code);
    expect(code).toContain(`description: ${JSON.stringify(secret.description)}`);
    expect(code).toContain('new Secret(');
    expect(code).toContain('new CfnRotationSchedule');
  });

  it('is HCL in which no text is a template', () => {
    const { code } = secretAsCode(secret).terraform;
    expect(code).toContain(
      String.raw`description = "It's \"the\" $${'$'}{database} %%{of} \\ orders\u000aline"`,
    );
    expect(code).toContain('secret_string_wo         = var.secret_value');
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 30 }), (description) => {
        const [, text = ''] =
          /^ {2}description = (.*)$/m.exec(secretAsCode({ ...secret, description }).terraform.code) ?? [];
        const unescaped: unknown = JSON.parse(text.replaceAll('$${', '${').replaceAll('%%{', '%{'));
        expect(unescaped).toBe(description);
      }),
    );
  });

  it('leaves out what the secret does not have', () => {
    const plain = {
      ...secret,
      description: undefined,
      kmsKeyId: undefined,
      tags: new Map(),
      resourcePolicy: undefined,
      replicas: [],
      rotation: undefined,
    };
    for (const { code } of Object.values(secretAsCode(plain)))
      expect(code).not.toMatch(/undefined|otation|olicyDocument|kms/i);
  });
});
