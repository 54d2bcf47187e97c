/** Which addresses the DHT uses. Spec: chapter 08, Addresses. */
import { parsePeerId } from './peer-id.ts';

/** Class of an address, by the table of the chapter. */
export type AddressClass = 'never' | 'local' | 'reserved' | 'public';

/** `dht.address_policy`. */
export type AddressPolicy = 'public' | 'devnet' | 'simulated';

/** A prefix of an address and how many of its bits count. */
type Prefix = readonly [address: string, bits: number];

const IP4: readonly (readonly [AddressClass, readonly Prefix[]])[] = [
  [
    'never',
    [
      ['0.0.0.0', 8],
      ['224.0.0.0', 4],
      ['255.255.255.255', 32],
    ],
  ],
  [
    'local',
    [
      ['10.0.0.0', 8],
      ['127.0.0.0', 8],
      ['169.254.0.0', 16],
      ['172.16.0.0', 12],
      ['192.168.0.0', 16],
    ],
  ],
  [
    'reserved',
    [
      ['100.64.0.0', 10],
      ['192.0.0.0', 24],
      ['192.0.2.0', 24],
      ['192.88.99.0', 24],
      ['198.18.0.0', 15],
      ['198.51.100.0', 24],
      ['203.0.113.0', 24],
      ['240.0.0.0', 4],
    ],
  ],
];

function bitsOf(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
}

function ip4Bits(dotted: string): string {
  return bitsOf(Uint8Array.from(dotted.split('.'), Number));
}

/** The eight groups of an IPv6 address in hexadecimal, as bits; `groups` may be fewer, the rest is zero. */
function groupBits(...groups: readonly number[]): string {
  return groups
    .map((group) => group.toString(2).padStart(16, '0'))
    .join('')
    .padEnd(128, '0');
}

function begins(bits: string, prefix: string, count: number): boolean {
  return bits.slice(0, count) === prefix.slice(0, count);
}

/** The class of 4 or 16 bytes. Throws a RangeError for another size. Spec: DHT-010 */
export function addressClass(ip: Uint8Array): AddressClass {
  const bits = bitsOf(ip);
  if (ip.length === 4) {
    const line = IP4.find(([, prefixes]) => prefixes.some(([address, count]) => begins(bits, ip4Bits(address), count)));
    return line?.[0] ?? 'public';
  }
  if (ip.length !== 16) throw new RangeError(`an IP address has 4 or 16 bytes, not ${ip.length}`);
  const loopback = groupBits(0, 0, 0, 0, 0, 0, 0, 1);
  if (bits !== loopback && begins(bits, groupBits(), 96)) return 'never';
  if (begins(bits, groupBits(0, 0, 0, 0, 0, 0xffff), 96) || begins(bits, groupBits(0xff00), 8)) return 'never';
  if (bits === loopback || begins(bits, groupBits(0xfc00), 7) || begins(bits, groupBits(0xfe80), 10)) return 'local';
  if (!begins(bits, groupBits(0x2000), 3)) return 'reserved';
  const reserved = [
    [groupBits(0x2001), 23],
    [groupBits(0x2001, 0x0db8), 32],
    [groupBits(0x2002), 16],
    [groupBits(0x3fff), 20],
  ] as const;
  return reserved.some(([prefix, count]) => begins(bits, prefix, count)) ? 'reserved' : 'public';
}

/** What the policy says of an address: whether it is admissible, and whether the limits by subnet hold. Spec: DHT-011 */
export function addressRule(policy: AddressPolicy, ip: Uint8Array): { readonly admissible: boolean; readonly limited: boolean } {
  const of = addressClass(ip);
  if (of === 'never') return { admissible: false, limited: true };
  if (policy === 'simulated' || of === 'public') return { admissible: true, limited: true };
  return { admissible: policy === 'devnet' && of === 'local', limited: !(policy === 'devnet' && of === 'local') };
}

/** The subnet: the first 3 bytes of an IPv4 address, the first 6 of an IPv6 address. */
export function subnetOf(ip: Uint8Array): Uint8Array {
  return ip.slice(0, ip.length === 4 ? 3 : 6);
}

/** The PeerId and the address of a text of a DNS list, or undefined for another text. Spec: DHT-100 */
export function readListText(text: string): { readonly peerId: Uint8Array; readonly address: string } | undefined {
  const match = /^crl=([^@]*)@((?:ws|wss|udp):\/\/(.*):([1-9][0-9]{0,4}))$/.exec(text);
  if (match === null) return undefined;
  const [, peerText = '', address = '', host = '', port = ''] = match;
  const peerId = parsePeerId(peerText);
  if (peerId === undefined || Number(port) > 65_535 || !isHost(host)) return undefined;
  return { peerId, address };
}

/** An IPv4 address in four numbers, an IPv6 address in brackets, or a host name of common.proto. */
function isHost(host: string): boolean {
  const number = '(0|[1-9][0-9]{0,2})';
  const four = new RegExp(`^${number}\\.${number}\\.${number}\\.${number}$`).exec(host);
  if (four !== null) return four.slice(1).every((part) => Number(part) <= 255);
  if (host.startsWith('[') && host.endsWith(']')) return isIp6(host.slice(1, -1));
  return /^[a-z0-9.-]{1,253}$/.test(host) && !/^[0-9.]+$/.test(host);
}

function isIp6(host: string): boolean {
  const halves = host.split('::');
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/.test(group))) return false;
  return halves.length === 2 ? groups.length <= 7 : groups.length === 8;
}
