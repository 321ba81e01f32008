import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contains, type Vpc, wayToSecretsManager } from '../../src/doctor/network.ts';
import { denialIn } from '../../src/doctor/resource-policy.ts';
import { isLike } from '../../src/iam-wildcards.ts';

const network = { vpcId: 'vpc-1', subnetIds: ['subnet-1', 'subnet-2'], securityGroupIds: ['sg-function'] };
const everywhere = [{ cidr: '0.0.0.0/0' }];
const nat = { destination: '0.0.0.0/0', active: true, target: 'nat-1' };
const routed: Vpc = {
  endpoints: [],
  routeTables: [{ subnetIds: [], main: true, routes: [nat] }],
  securityGroups: [{ id: 'sg-function', inbound: [], outbound: everywhere }],
  subnetCidrs: new Map([
    ['subnet-1', '10.0.1.0/24'],
    ['subnet-2', '10.0.2.0/24'],
  ]),
};
const endpoint = {
  id: 'vpce-1',
  serviceName: 'com.amazonaws.eu-west-1.secretsmanager',
  available: true,
  privateDns: true,
  securityGroupIds: ['sg-endpoint'],
};

function withEndpoint(inbound: Vpc['securityGroups'][number]['inbound'], more: object = {}): Vpc {
  return {
    ...routed,
    endpoints: [{ ...endpoint, ...more }],
    routeTables: [],
    securityGroups: [...routed.securityGroups, { id: 'sg-endpoint', inbound, outbound: [] }],
  };
}

describe('the way of a function to Secrets Manager', () => {
  it.each([
    ['a NAT gateway', routed, 'route'],
    ['an endpoint that lets its group in', withEndpoint([{ groupId: 'sg-function' }]), 'endpoint'],
    ['an endpoint that lets the VPC in', withEndpoint([{ cidr: '10.0.0.0/8' }]), 'endpoint'],
    ['an endpoint that lets another range in', withEndpoint([{ cidr: '10.1.0.0/16' }]), 'blocked-by'],
    ['an endpoint that lets nobody in', withEndpoint([]), 'blocked-by'],
    ['an endpoint without private DNS', withEndpoint(everywhere, { privateDns: false }), 'none'],
    ['an endpoint that is being made', withEndpoint(everywhere, { available: false }), 'none'],
    ['another service', withEndpoint(everywhere, { serviceName: 'com.amazonaws.eu-west-1.kms' }), 'none'],
    [
      'an internet gateway',
      { ...routed, routeTables: [{ subnetIds: [], main: true, routes: [{ ...nat, target: 'igw-1' }] }] },
      'none',
    ],
    [
      'a route to what is gone',
      { ...routed, routeTables: [{ subnetIds: [], main: true, routes: [{ ...nat, active: false }] }] },
      'none',
    ],
    [
      'one subnet of two with a route',
      {
        ...routed,
        routeTables: [
          { subnetIds: [], main: true, routes: [nat] },
          { subnetIds: ['subnet-2'], main: false, routes: [] },
        ],
      },
      'none',
    ],
    [
      'a group that lets nothing out',
      { ...routed, securityGroups: [{ id: 'sg-function', inbound: [], outbound: [] }] },
      'blocked-by',
    ],
  ])('by %s', (_name, vpc, way) => {
    expect(wayToSecretsManager(network, vpc).way).toBe(way);
  });

  it('compares ranges as numbers do', () => {
    const address = fc.integer({ min: 0, max: 2 ** 32 - 1 });
    const written = (value: number, bits: number) =>
      `${[24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.')}/${bits}`;
    fc.assert(
      fc.property(address, fc.nat(32), address, fc.nat(32), (one, bits, other, more) => {
        const start = (value: number, length: number) => value - (value % 2 ** (32 - length));
        const inside = more >= bits && start(other, bits) === start(one, bits);
        expect(contains(written(one, bits), written(other, more))).toBe(inside);
      }),
    );
  });
});

describe('a resource policy', () => {
  const role = 'arn:aws:iam::123456789012:role/keyturn';
  const denial = (statement: object) =>
    denialIn(
      JSON.stringify({ Statement: [{ Effect: 'Deny', Action: '*', Principal: '*', ...statement }] }),
      role,
    );

  it.each([
    ['everybody everything', {}, { actions: expect.arrayContaining(['secretsmanager:GetSecretValue']) }],
    ['by a pattern', { Action: 'secretsmanager:Put*' }, { actions: ['secretsmanager:PutSecretValue'] }],
    [
      'all but some actions',
      { Action: undefined, NotAction: 'secretsmanager:*Secret' },
      { conditional: false },
    ],
    ['the account', { Principal: { AWS: '123456789012' } }, { conditional: false }],
    [
      'all but others',
      { Principal: undefined, NotPrincipal: { AWS: 'arn:aws:iam::1:root' } },
      { statement: 'number 1' },
    ],
    ['under conditions', { Condition: { Bool: { 'aws:SecureTransport': 'false' } } }, { conditional: true }],
    [
      'whoever is not named',
      { Condition: { ArnNotLike: { 'aws:PrincipalArn': ['arn:aws:iam::123456789012:role/admin*'] } } },
      { conditional: false },
    ],
  ])('denies %s', (_name, statement, expected) => {
    expect(denial(statement)).toMatchObject(expected);
  });

  it.each([
    ['another principal', { Principal: { AWS: 'arn:aws:iam::123456789012:role/other' } }],
    ['what no rotation does', { Action: 'secretsmanager:DeleteSecret' }],
    ['all but this role', { Principal: undefined, NotPrincipal: { AWS: role } }],
    ['whoever is not this role', { Condition: { ArnNotEquals: { 'aws:PrincipalArn': role } } }],
    ['nothing: it allows', { Effect: 'Allow' }],
  ])('leaves the role alone where it denies %s', (_name, statement) => {
    expect(denial(statement)).toBeUndefined();
  });

  it('is read in the same time, however many wildcards it has', () => {
    const many = `${'*a'.repeat(40)}!`;
    const long = `arn:aws:iam::123456789012:role/${'a'.repeat(64)}`;
    const Condition = { ArnLike: { 'aws:PrincipalArn': many } };
    const Statement = [{ Effect: 'Deny', Action: ['*', many], Principal: '*', Condition }];
    expect(denialIn(JSON.stringify({ Statement }), long)).toBeUndefined();
  });

  it('has wildcards as IAM has them', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'B', '.', '('), maxLength: 8 });
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?', '.', '('), maxLength: 8 });
    fc.assert(
      fc.property(text, pattern, (one, other) => {
        const source = other.replace(/[.(]/g, '\\$&').replaceAll('*', '.*').replaceAll('?', '.');
        expect(isLike(one, other)).toBe(new RegExp(`^${source}$`, 'i').test(one));
      }),
    );
  });

  it('is ignored if it is not JSON', () => {
    expect(denialIn('no JSON', role)).toBeUndefined();
  });
});
