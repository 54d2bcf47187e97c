import { expect, test } from 'vitest';
import { plainIp, subnetOf } from './subnet.ts';

test.each([
  ['198.51.100.7', '198.51.100'],
  ['198.51.100.255', '198.51.100'],
  ['::ffff:198.51.100.7', '198.51.100'],
  ['2001:db8:1:2::1', '2001:db8:1'],
  ['2001:DB8:0001:ffff:1:2:3:4', '2001:db8:1'],
  ['2001:db8::1', '2001:db8:0'],
  ['2001::7:0:0:1', '2001:0:0'],
  ['::1', '0:0:0'],
  ['1:2:3:4:5:6:7::', '1:2:3'],
  ['::', '0:0:0'],
  ['64:ff9b::192.0.2.1', '64:ff9b:0'],
  ['no address', 'no address'],
])('%s lies in %s', (ip, subnet) => {
  expect(subnetOf(ip)).toBe(subnet);
});

test('a mapped address is the one that it maps', () => {
  expect(plainIp('::ffff:192.0.2.1')).toBe('192.0.2.1');
  expect(plainIp('2001:db8::1')).toBe('2001:db8::1');
});
