/** Texts that name a place, as the forms that the wire and the sockets need. */
import { isIP, isIPv4 } from 'node:net';
import { create } from '@bufbuild/protobuf';
import { type Address, AddressSchema, Transport } from '../../proto/gen/carillon/v1/common_pb.ts';
import type { ListenAddress } from './transport/transport.ts';

/** Reads `HOST:PORT` or `[IPV6]:PORT`, port 0 to 65535; undefined for anything else. */
export function parseHostPort(text: string): ListenAddress | undefined {
  const parts = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s/]+)):(\d{1,5})$/.exec(text);
  const host = parts?.[1] ?? parts?.[2];
  const port = Number(parts?.[3]);
  return host !== undefined && port <= 65_535 ? { host, port } : undefined;
}

/** The 16 bytes of an IPv6 text that `isIP` takes; the platform's URL parser writes it out first. */
function ip6Bytes(text: string): Uint8Array {
  const canonical = new URL(`http://[${text}]`).hostname.slice(1, -1);
  const [head = '', tail] = canonical.split('::');
  const groupsOf = (part: string): number[] => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)));
  const front = groupsOf(head);
  const back = tail === undefined ? [] : groupsOf(tail);
  const groups = tail === undefined ? front : [...front, ...Array<number>(8 - front.length - back.length).fill(0), ...back];
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}

/** The wire form of `ws://HOST:PORT` or `wss://HOST[:PORT]`; undefined when the text is not one. Spec: SES-024 */
export function parseAdvertisedAddress(text: string): Address | undefined {
  const url = URL.parse(text);
  if (url === null || !/^wss?:$/.test(url.protocol) || url.pathname !== '/' || url.search !== '' || url.username !== '') return undefined;
  const isSecure = url.protocol === 'wss:';
  const port = url.port === '' ? (isSecure ? 443 : 80) : Number(url.port);
  if (port === 0) return undefined;
  const transport = isSecure ? Transport.WSS : Transport.WS;
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIPv4(host))
    return create(AddressSchema, { host: { case: 'ip4', value: Uint8Array.from(host.split('.').map(Number)) }, port, transport });
  if (isIP(host) === 6) return create(AddressSchema, { host: { case: 'ip6', value: ip6Bytes(host) }, port, transport });
  if (!/^[a-z0-9.-]{1,253}$/.test(host)) return undefined;
  return create(AddressSchema, { host: { case: 'dns', value: host }, port, transport });
}
