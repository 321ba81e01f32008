import { expect, it } from 'vitest';
import { bridgeAddress } from '../../examples/sam/reach.ts';

const bridge = (config: object) => [{ IPAM: { Config: [config] } }];

it('finds the gateway that Docker names', () => {
  expect(bridgeAddress(bridge({ Subnet: '172.17.0.0/16', Gateway: '172.17.0.9' }))).toBe('172.17.0.9');
});

it.each([
  ['no gateway', { Subnet: '172.17.0.0/16' }, '172.17.0.1'],
  ['an empty gateway', { Subnet: '10.9.8.64/26', Gateway: '' }, '10.9.8.65'],
])('takes the first address of the subnet where a freshly started engine names %s', (_, config, address) => {
  expect(bridgeAddress(bridge(config))).toBe(address);
});

it.each([[[]], [bridge({})], [bridge({ Subnet: '' })], [undefined]])(
  'never answers an empty address, which would mean all interfaces (%j)',
  (networks) => {
    expect(() => bridgeAddress(networks)).toThrow(/neither gateway nor subnet.*Start a container/);
  },
);
