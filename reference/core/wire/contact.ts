/**
 * Contacts in bodies, and addresses as text. What a contact says is hearsay: an address that is not
 * in order is left out, and so is every one beyond the eighth; the PeerId has to have its size.
 */
import { create } from '@bufbuild/protobuf';
import { type Address, AddressSchema, Transport } from '../../../proto/gen/carillon/v1/common_pb.ts';
import { concatBytes, copyBytes, decodeUtf8, encodeUtf8, fromHex, toHex } from '../bytes.ts';
import { invariant } from '../errors.ts';
import type { KnownContact, PeerId } from '../types.ts';
import { type Decoded, ID_BYTES } from './body.ts';
import { isAddressInOrder } from './claims.ts';
import { bytesField, elementField, FieldReader, varintField, WIRE_LENGTH, WIRE_VARINT } from './fields.ts';

/** Addresses of a contact that are looked at. */
export const CONTACT_ADDRESSES_MAX = 8;

const SCHEMES: Readonly<Record<number, string>> = { [Transport.WS]: 'ws', [Transport.WSS]: 'wss', [Transport.UDP]: 'udp' };

/** Whether an address has its forms and a transport that this revision names. */
function isReachable(address: Address): boolean {
  return isAddressInOrder(address) && SCHEMES[address.transport] !== undefined;
}

/** `ws://`, `wss://` or `udp://`, host and port, as dials take it; undefined for an address that is not in order. */
export function addressText(address: Address): string | undefined {
  if (!isReachable(address)) return undefined;
  const { host, port, transport } = address;
  return `${SCHEMES[transport]}://${hostText(host)}:${port}`;
}

function hostText(host: Address['host']): string {
  if (host.case === 'ip4') return host.value.join('.');
  if (host.case === 'ip6') return `[${groupsText(host.value)}]`;
  return host.value ?? '';
}

/** An IPv6 address in its shortest text form (RFC 5952): the longest run of zero groups, the first of equals, as `::`. */
function groupsText(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const groups = Array.from({ length: 8 }, (_, index) => view.getUint16(2 * index));
  let [start, length] = [-1, 1];
  for (let first = 0; first < 8; first++) {
    let count = 0;
    while (first + count < 8 && groups[first + count] === 0) count += 1;
    if (count > length) [start, length] = [first, count];
  }
  const text = (from: number, to: number): string =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(':');
  return start === -1 ? text(0, 8) : `${text(0, start)}::${text(start + length, 8)}`;
}

/** Spec: WIR-040 to WIR-050 */
export function decodeContact(bytes: Uint8Array): Decoded<KnownContact> {
  const reader = new FieldReader(bytes);
  let peer: Uint8Array | undefined;
  const addresses: Address[] = [];
  while (reader.next()) {
    if (reader.wireType !== WIRE_LENGTH) continue;
    if (reader.number === 1) peer = reader.content();
    else if (reader.number === 2) {
      const address = decodeAddress(reader.content());
      if (!address.ok) return address;
      if (isReachable(address.value) && addresses.length < CONTACT_ADDRESSES_MAX) addresses.push(address.value);
    }
  }
  if (reader.fault !== undefined) return { ok: false, code: 'E_MALFORMED', clause: reader.fault };
  if (peer?.length !== ID_BYTES) return { ok: false, code: 'E_MALFORMED', clause: 'WIR-045' };
  return { ok: true, value: { peer: toHex(peer) as PeerId, addresses } };
}

/** An address as it stands in a body, in order or not. */
function decodeAddress(bytes: Uint8Array): Decoded<Address> {
  const reader = new FieldReader(bytes);
  const address = create(AddressSchema);
  while (reader.next()) {
    if (reader.wireType === WIRE_VARINT) {
      if (reader.number === 4) address.port = reader.uint32();
      else if (reader.number === 5) address.transport = reader.int32() as Transport;
    } else if (reader.wireType === WIRE_LENGTH) {
      const content = copyBytes(reader.content());
      if (reader.number === 1) address.host = { case: 'ip4', value: content };
      else if (reader.number === 2) address.host = { case: 'ip6', value: content };
      else if (reader.number === 3) {
        const value = decodeUtf8(content);
        if (value === undefined) return { ok: false, code: 'E_MALFORMED', clause: 'WIR-044' };
        address.host = { case: 'dns', value };
      }
    }
  }
  if (reader.fault !== undefined) return { ok: false, code: 'E_MALFORMED', clause: reader.fault };
  return { ok: true, value: address };
}

/** The bytes of a Contact; addresses beyond the eighth are left out. */
export function encodeContact({ peer, addresses }: KnownContact): Uint8Array {
  const id = fromHex(peer);
  invariant(id?.length === ID_BYTES, 'an id is 64 hexadecimal digits');
  return concatBytes(
    ...bytesField(1, id),
    ...addresses.slice(0, CONTACT_ADDRESSES_MAX).flatMap((address) => elementField(2, encodeAddress(address))),
  );
}

function encodeAddress({ host, port, transport }: Address): Uint8Array {
  const parts: (readonly Uint8Array[])[] = [];
  if (host.case === 'ip4') parts.push(elementField(1, host.value));
  else if (host.case === 'ip6') parts.push(elementField(2, host.value));
  else if (host.case === 'dns') parts.push(elementField(3, encodeUtf8(host.value)));
  return concatBytes(...parts.flat(), ...varintField(4, port), ...varintField(5, transport));
}
