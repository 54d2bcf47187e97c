/** Which addresses the DHT asks, dials and names. Spec: chapter 08, Addresses */
import { create } from '@bufbuild/protobuf';
import { type Address, AddressSchema, Transport } from '../../../proto/gen/carillon/v1/common_pb.ts';
import type { Params } from '../params.ts';
import type { Endpoint, PeerId } from '../types.ts';
import { addressText } from '../wire/contact.ts';
import { parsePeerId } from '../wire/peer-id.ts';

export type AddressClass = 'never' | 'local' | 'reserved' | 'public';
export type AddressPolicy = Params['dht.address_policy'];

/** The host of an address: 4 or 16 bytes, or a name. */
export type Host = Uint8Array | string;

type Range = readonly [prefix: readonly number[], bits: number];

const IP4_NEVER: readonly Range[] = [
  [[0], 8],
  [[224], 4],
  [[255, 255, 255, 255], 32],
];
const IP4_LOCAL: readonly Range[] = [
  [[10], 8],
  [[127], 8],
  [[169, 254], 16],
  [[172, 16], 12],
  [[192, 168], 16],
];
const IP4_RESERVED: readonly Range[] = [
  [[100, 64], 10],
  [[192, 0, 0], 24],
  [[192, 0, 2], 24],
  [[192, 88, 99], 24],
  [[198, 18], 15],
  [[198, 51, 100], 24],
  [[203, 0, 113], 24],
  [[240], 4],
];
const IP6_LOOPBACK: readonly Range[] = [[[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 128]];
const IP6_NEVER: readonly Range[] = [
  [[], 96],
  [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff], 96],
  [[0xff], 8],
];
const IP6_LOCAL: readonly Range[] = [
  [[0xfc], 7],
  [[0xfe, 0x80], 10],
];
const IP6_GLOBAL: readonly Range[] = [[[0x20], 3]];
const IP6_RESERVED: readonly Range[] = [
  [[0x20, 0x01, 0x00], 23],
  [[0x20, 0x01, 0x0d, 0xb8], 32],
  [[0x20, 0x02], 16],
  [[0x3f, 0xff], 20],
];

function isIn(ip: Uint8Array, ranges: readonly Range[]): boolean {
  return ranges.some(([prefix, bits]) => {
    for (let bit = 0; bit < bits; bit += 8) {
      const index = bit >> 3;
      const mask = bits - bit >= 8 ? 0xff : (0xff << (8 - (bits - bit))) & 0xff;
      if ((((ip[index] ?? 0) ^ (prefix[index] ?? 0)) & mask) !== 0) return false;
    }
    return true;
  });
}

/** The class of an IP address of 4 or 16 bytes. Spec: DHT-010 */
export function addressClass(ip: Uint8Array): AddressClass {
  if (ip.length === 4) {
    if (isIn(ip, IP4_NEVER)) return 'never';
    if (isIn(ip, IP4_LOCAL)) return 'local';
    return isIn(ip, IP4_RESERVED) ? 'reserved' : 'public';
  }
  if (isIn(ip, IP6_LOOPBACK)) return 'local';
  if (isIn(ip, IP6_NEVER)) return 'never';
  if (isIn(ip, IP6_LOCAL)) return 'local';
  return !isIn(ip, IP6_GLOBAL) || isIn(ip, IP6_RESERVED) ? 'reserved' : 'public';
}

/** Whether a host may be asked, dialled and named. Spec: DHT-011, DHT-012 */
export function isAdmissible(policy: AddressPolicy, host: Host): boolean {
  if (typeof host === 'string') return true;
  const of = addressClass(host);
  switch (policy) {
    case 'public':
      return of === 'public';
    case 'devnet':
      return of === 'public' || of === 'local';
    case 'simulated':
      return of !== 'never';
  }
}

/** Whether the limits by subnet hold for a host. Spec: DHT-025 */
export function isLimited(policy: AddressPolicy, host: Host): boolean {
  return policy !== 'devnet' || typeof host === 'string' || addressClass(host) !== 'local';
}

/** Whether a host is on a local network, where only its own neighbours can reach it. Spec: DHT-013, DHT-042 */
export function isLocal(host: Host): boolean {
  return typeof host !== 'string' && addressClass(host) === 'local';
}

/** The /24 or the /48 of an IP address. */
export function subnetBytes(ip: Uint8Array): Uint8Array {
  return ip.slice(0, ip.length === 4 ? 3 : 6);
}

/** The /24, the /48 or the name, as a text to compare. */
export function subnetKey(host: Host): string {
  return typeof host === 'string' ? `name ${host}` : `${host.length} ${subnetBytes(host).join('.')}`;
}

/** The host of an address, or undefined when it has none. */
export function hostOf(address: Address): Host | undefined {
  return address.host.value;
}

/** Whether two hosts are the same. */
export function isSameHost(a: Host, b: Host): boolean {
  if (typeof a === 'string' || typeof b === 'string') return a === b;
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

const IP4_PART = /^(?:0|[1-9][0-9]{0,2})$/;
const GROUP = /^[0-9a-f]{1,4}$/;
const NAME = /^[a-z0-9.-]{1,253}$/;

function parseIp4(text: string): Uint8Array | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => IP4_PART.test(part) && Number(part) <= 255)) return undefined;
  return Uint8Array.from(parts, Number);
}

/** Groups of 16 bits; a trailing IPv4 address is two of them. */
function groupsOf(text: string): readonly string[] {
  if (text === '') return [];
  return text.split(':').flatMap((part) => {
    const ip4 = part.includes('.') ? parseIp4(part) : undefined;
    if (ip4 === undefined) return [part];
    const view = new DataView(ip4.buffer);
    return [view.getUint16(0).toString(16), view.getUint16(2).toString(16)];
  });
}

function parseIp6(text: string): Uint8Array | undefined {
  const halves = text.toLowerCase().split('::');
  if (halves.length > 2) return undefined;
  const head = groupsOf(halves[0] ?? '');
  const tail = groupsOf(halves[1] ?? '');
  const count = head.length + tail.length;
  if (![...head, ...tail].every((group) => GROUP.test(group)) || (halves.length === 2 ? count > 7 : count !== 8)) return undefined;
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  head.forEach((group, index) => {
    view.setUint16(2 * index, Number.parseInt(group, 16));
  });
  tail.forEach((group, index) => {
    view.setUint16(16 - 2 * (tail.length - index), Number.parseInt(group, 16));
  });
  return bytes;
}

/** The bytes of an IP address as text, IPv4 in an IPv6 address taken out; undefined for anything else. */
export function parseIp(text: string): Uint8Array | undefined {
  const ip4 = parseIp4(text);
  if (ip4 !== undefined || !text.includes(':')) return ip4;
  const ip6 = parseIp6(text);
  if (ip6 === undefined) return undefined;
  const mapped = ip6.subarray(0, 10).every((byte) => byte === 0) && ip6[10] === 0xff && ip6[11] === 0xff;
  return mapped ? ip6.slice(12) : ip6;
}

/** The host in the text of a connection's remote end: an IP or a name, with or without scheme and port. */
export function hostOfText(text: string): Host | undefined {
  const plain = text.replace(/^[a-z]+:\/\//, '').replace(/\/.*$/, '');
  const whole = parseIp(plain);
  if (whole !== undefined) return whole;
  const host = plain.startsWith('[') ? plain.slice(1, plain.indexOf(']')) : plain.replace(/:[0-9]{1,5}$/, '');
  return parseIp(host) ?? (NAME.test(host) ? host : undefined);
}

const TRANSPORTS = { ws: Transport.WS, wss: Transport.WSS, udp: Transport.UDP } as const;

/** The address of a text `ws://HOST:PORT`, `wss://…` or `udp://…`; undefined for another text. Spec: chapter 08, Bootstrap */
export function parseAddress(text: string): Address | undefined {
  const match = /^(ws|wss|udp):\/\/(.*):([1-9][0-9]{0,4})$/.exec(text);
  if (match === null) return undefined;
  const [, scheme, host = '', port] = match;
  if (Number(port) > 65_535) return undefined;
  const transport = TRANSPORTS[scheme as keyof typeof TRANSPORTS];
  const ip4 = parseIp4(host);
  if (ip4 !== undefined) return create(AddressSchema, { host: { case: 'ip4', value: ip4 }, port: Number(port), transport });
  if (host.startsWith('[') && host.endsWith(']')) {
    const ip6 = host === host.toLowerCase() ? parseIp6(host.slice(1, -1)) : undefined;
    if (ip6 === undefined) return undefined;
    return create(AddressSchema, { host: { case: 'ip6', value: ip6 }, port: Number(port), transport });
  }
  if (!NAME.test(host) || /^[0-9.]+$/.test(host)) return undefined;
  return create(AddressSchema, { host: { case: 'dns', value: host }, port: Number(port), transport });
}

/** A hint: where somebody may be found, and who it should be. */
export interface Hint {
  readonly peer: PeerId | undefined;
  readonly address: Address;
}

/** The hint of a text `crl=<PeerId>@<address>` of a DNS list. Spec: DHT-100 */
export function parseListText(text: string): Hint | undefined {
  const match = /^crl=([^@]*)@(.*)$/.exec(text);
  const peer = match === null ? undefined : parsePeerId(match[1] ?? '');
  const address = match === null ? undefined : parseAddress(match[2] ?? '');
  return peer === undefined || address === undefined ? undefined : { peer, address };
}

/** The hint of a configured address: as in a list, or without a PeerId. */
export function parseHint(text: string): Hint | undefined {
  const at = text.indexOf('@');
  if (at >= 0) return parseListText(text.startsWith('crl=') ? text : `crl=${text}`);
  const address = parseAddress(text);
  return address === undefined ? undefined : { peer: undefined, address };
}

/** Where an address of transport UDP takes datagrams; undefined for another transport or a host name. */
export function endpointOf(address: Address): Endpoint | undefined {
  if (address.transport !== Transport.UDP || address.host.case === 'dns') return undefined;
  const text = addressText(address);
  if (text === undefined) return undefined;
  const ip = text.slice('udp://'.length, text.lastIndexOf(':'));
  return { ip: ip.startsWith('[') ? ip.slice(1, -1) : ip, port: address.port };
}

/** The address of an endpoint that answered. */
export function addressOfEndpoint({ ip, port }: Endpoint): Address | undefined {
  const host = parseIp(ip);
  if (host === undefined) return undefined;
  const value = host.length === 4 ? ({ case: 'ip4', value: host } as const) : ({ case: 'ip6', value: host } as const);
  return create(AddressSchema, { host: value, port, transport: Transport.UDP });
}
