import { create, toBinary } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { type Address, AddressSchema, ContactSchema, Transport } from '../../../proto/gen/carillon/v1/common_pb.ts';
import { concatBytes, fromHex } from '../bytes.ts';
import type { PeerId } from '../types.ts';
import { addressText, decodeContact, encodeContact } from './contact.ts';
import { elementField } from './fields.ts';

const PEER = '07'.repeat(32) as PeerId;
const ip4 = (port: number, transport: Transport = Transport.WS): Address =>
  create(AddressSchema, { host: { case: 'ip4', value: Uint8Array.of(192, 0, 2, 1) }, port, transport });
const ip6 = (hex: string): Address =>
  create(AddressSchema, { host: { case: 'ip6', value: fromHex(hex) ?? new Uint8Array() }, port: 7600, transport: Transport.WSS });
const dns = create(AddressSchema, { host: { case: 'dns', value: 'a.example' }, port: 1, transport: Transport.UDP });

test('a contact is written as the library writes it, and read back', () => {
  const addresses = [ip4(7600), ip6('20010db8000000000000000000000001'), dns];
  const bytes = encodeContact({ peer: PEER, addresses });
  const message = create(ContactSchema, { peerId: fromHex(PEER) ?? new Uint8Array(), addresses });
  expect(bytes).toEqual(toBinary(ContactSchema, message));
  expect(decodeContact(bytes)).toEqual({ ok: true, value: { peer: PEER, addresses } });
});

test('addresses that are not in order, and those beyond the eighth, are left out', () => {
  const addresses = [ip4(0), ip4(70_000), ip4(1, Transport.UNSPECIFIED), ...Array.from({ length: 9 }, (_, index) => ip4(index + 1))];
  const bytes = toBinary(ContactSchema, create(ContactSchema, { peerId: fromHex(PEER) ?? new Uint8Array(), addresses }));
  const read = decodeContact(bytes);
  expect(read.ok && read.value.addresses.map(({ port }) => port)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});

test('WIR-045: a PeerId of another size is malformed; WIR-040, WIR-044 hold inside addresses', () => {
  expect(decodeContact(concatBytes(...elementField(1, new Uint8Array(31))))).toEqual({ ok: false, code: 'E_MALFORMED', clause: 'WIR-045' });
  expect(decodeContact(new Uint8Array())).toEqual({ ok: false, code: 'E_MALFORMED', clause: 'WIR-045' });
  expect(decodeContact(concatBytes(...elementField(2, Uint8Array.of(0x20))))).toEqual({
    ok: false,
    code: 'E_MALFORMED',
    clause: 'WIR-040',
  });
  const text = concatBytes(...elementField(3, Uint8Array.of(0xff)));
  expect(decodeContact(concatBytes(...elementField(2, text)))).toEqual({ ok: false, code: 'E_MALFORMED', clause: 'WIR-044' });
});

test('addresses as text', () => {
  expect(addressText(ip4(7600))).toBe('ws://192.0.2.1:7600');
  expect(addressText(dns)).toBe('udp://a.example:1');
  expect(addressText(ip6('20010db8000000000000000000000001'))).toBe('wss://[2001:db8::1]:7600');
  expect(addressText(ip6('00000000000000000000000000000000'))).toBe('wss://[::]:7600');
  expect(addressText(ip6('20010db8000100000002000300040005'))).toBe('wss://[2001:db8:1:0:2:3:4:5]:7600');
  expect(addressText(ip4(0))).toBeUndefined();
});
