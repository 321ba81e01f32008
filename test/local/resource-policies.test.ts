import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { grantsBroadAccess } from '../../src/local/policies/checks.ts';
import { parsePolicy } from '../../src/local/policies/document.ts';
import { prettyPolicy } from '../../src/local/policies/pretty.ts';
import { expectError, start } from './harness.ts';

const root = { AWS: 'arn:aws:iam::111111111111:root' };

function policyOf(statement: object): string {
  const complete = {
    Effect: 'Allow',
    Principal: root,
    Action: 'secretsmanager:*',
    Resource: '*',
    ...statement,
  };
  return JSON.stringify({ Version: '2012-10-17', Statement: [complete] });
}

describe('a resource policy', () => {
  it('is put, given back as AWS prints it, and deleted', async () => {
    const { client } = await start();
    const { ARN } = await client.createSecret({ Name: 'n' });
    const get = () => client.getResourcePolicy({ SecretId: 'n' });
    expect(await get()).not.toHaveProperty('ResourcePolicy');
    const ResourcePolicy = policyOf({ Action: ['secretsmanager:GetSecretValue'], Principal: root });
    expect(await client.putResourcePolicy({ SecretId: 'n', ResourcePolicy })).toMatchObject({
      ARN,
      Name: 'n',
    });
    expect((await get()).ResourcePolicy).toBe(
      [
        '{',
        '  "Version" : "2012-10-17",',
        '  "Statement" : [ {',
        '    "Effect" : "Allow",',
        '    "Principal" : {',
        '      "AWS" : "arn:aws:iam::111111111111:root"',
        '    },',
        '    "Action" : [ "secretsmanager:GetSecretValue" ],',
        '    "Resource" : "*"',
        '  } ]',
        '}',
      ].join('\n'),
    );
    expect(await client.deleteResourcePolicy({ SecretId: 'n' })).toMatchObject({ ARN, Name: 'n' });
    expect(await get()).not.toHaveProperty('ResourcePolicy');
  });

  it('says the same once it is printed anew', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (policy) => {
        const text = JSON.stringify(policy);
        expect(JSON.stringify(JSON.parse(prettyPolicy(text)))).toBe(JSON.stringify(JSON.parse(text)));
      }),
    );
  });

  it('that lets everybody in is refused when it is to be blocked', async () => {
    const { client } = await start();
    await client.createSecret({ Name: 'n' });
    const ResourcePolicy = policyOf({ Principal: '*' });
    await expectError(
      client.putResourcePolicy({ SecretId: 'n', ResourcePolicy, BlockPublicPolicy: true }),
      'PublicPolicyException',
      "You can't attach a resource-based policy that allows broad access to the secret.",
    );
    await client.putResourcePolicy({ SecretId: 'n', ResourcePolicy, BlockPublicPolicy: false });
    await client.putResourcePolicy({ SecretId: 'n', ResourcePolicy: policyOf({}), BlockPublicPolicy: true });
    expect((await client.getResourcePolicy({ SecretId: 'n' })).ResourcePolicy).toContain('root');
  });

  it.each<[boolean, object]>([
    [true, { Principal: '*' }],
    [true, { Principal: { AWS: ['arn:aws:iam::111111111111:root', '*'] } }],
    [true, { Principal: undefined, NotPrincipal: root }],
    [true, { Principal: '*', Condition: { StringNotEquals: { 'aws:SourceVpc': 'vpc-1' } } }],
    [true, { Principal: '*', Condition: { StringLike: { 'aws:SourceArn': '*' } } }],
    [true, { Principal: '*', Condition: { IpAddress: { 'aws:SourceIp': '0.0.0.0/0' } } }],
    [true, { Principal: '*', Condition: { StringEquals: { 'secretsmanager:VersionStage': 'AWSCURRENT' } } }],
    [false, { Principal: root }],
    [false, { Principal: '*', Effect: 'Deny' }],
    [false, { Principal: '*', Condition: { StringEquals: { 'aws:PrincipalOrgID': 'o-1' } } }],
    [false, { Principal: '*', Condition: { StringEquals: { 'AWS:sourcevpce': ['vpce-1', 'vpce-2'] } } }],
    [false, { Principal: { Service: 'lambda.amazonaws.com' } }],
  ])('lets everybody in, or not (%s): %j', (broad, statement) => {
    expect(grantsBroadAccess(parsePolicy(policyOf(statement)))).toBe(broad);
  });

  it.each<[string, string]>([
    ['not json', 'contains a syntax error'],
    ['[]', 'contains a syntax error'],
    ['{}', 'contains a syntax error'],
    ['{"Version":"2012-10-17","Statement":[]}', 'contains a syntax error'],
    ['{"Version":"2020-01-01","Statement":[]}', 'contains a syntax error'],
    [policyOf({ Effect: 'AllowSomething' }), 'contains a syntax error'],
    [policyOf({ Action: undefined }), 'contains a syntax error'],
    [policyOf({ Action: 'GetSecretValue' }), 'contains a syntax error'],
    [policyOf({ Action: [] }), 'contains a syntax error'],
    [policyOf({ Resource: 5 }), 'contains a syntax error'],
    [policyOf({ Principals: '*' }), 'contains a syntax error'],
    [policyOf({ NotPrincipal: root }), 'contains a syntax error'],
    [policyOf({ Principal: undefined }), 'contains a syntax error'],
    [policyOf({ Condition: { StringEquals: 'x' } }), 'contains a syntax error'],
    [policyOf({ Principal: 'everybody' }), 'contains an unsupported principal'],
    [policyOf({ Principal: { AWS: 'arn:aws:iam::1:user/x' } }), 'contains an unsupported principal'],
    [policyOf({ Principal: { Person: 'x' } }), 'contains an unsupported principal'],
    [policyOf({ Principal: { Service: 'lambda' } }), 'contains an invalid service principal'],
  ])('%s is refused: it %s', async (ResourcePolicy, reason) => {
    const { client } = await start();
    await client.createSecret({ Name: 'n' });
    const message = `This resource policy ${reason}.`;
    for (const call of [
      client.putResourcePolicy({ SecretId: 'n', ResourcePolicy }),
      client.validateResourcePolicy({ ResourcePolicy }),
    ]) {
      await expectError(call, 'MalformedPolicyDocumentException', message);
    }
  });

  it('is validated without being put', async () => {
    const { client } = await start();
    await client.createSecret({ Name: 'n' });
    const validate = (statement: object) =>
      client.validateResourcePolicy({ SecretId: 'n', ResourcePolicy: policyOf(statement) });
    expect(await validate({})).toMatchObject({ PolicyValidationPassed: true, ValidationErrors: [] });
    expect(await validate({ Principal: '*' })).toMatchObject({
      PolicyValidationPassed: false,
      ValidationErrors: [{ ErrorMessage: 'This resource policy grants broad access to your secret.' }],
    });
    expect(await validate({ Principal: '*', Effect: 'Deny' })).toMatchObject({
      PolicyValidationPassed: false,
      ValidationErrors: [
        { ErrorMessage: 'Your requested changes will not allow you to manage this secret in the future.' },
      ],
    });
    expect(await client.getResourcePolicy({ SecretId: 'n' })).not.toHaveProperty('ResourcePolicy');
  });
});
