import { expect, it } from 'vitest';
import { bridgeAddress } from '../../examples/sam/reach.ts';

const address = {
  address: '172.17.0.1',
  family: 'IPv4',
  netmask: '',
  mac: '',
  internal: false,
  cidr: null,
} as const;
const bridge = (config: object, options: object = {}) => [{ IPAM: { Config: [config] }, Options: options }];

it('finds the gateway that Docker names', () => {
  expect(bridgeAddress(bridge({ Gateway: '10.0.0.1' }), {})).toBe('10.0.0.1');
});

it.each([
  ['no gateway', bridge({ Subnet: '172.17.0.0/16' }), 'docker0'],
  ['an empty gateway', bridge({ Gateway: '' }), 'docker0'],
  ['a bridge of another name', bridge({}, { 'com.docker.network.bridge.name': 'br7' }), 'br7'],
  ['nothing', [], 'docker0'],
])('takes the address of the bridge where a freshly started engine names %s', (_, networks, name) => {
  expect(bridgeAddress(networks, { [name]: [address] })).toBe('172.17.0.1');
  expect(() => bridgeAddress(networks, { other: [address] })).toThrow(/names no gateway.*Start a container/);
});
