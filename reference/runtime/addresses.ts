/** Texts that name a place, as the forms that the wire and the sockets need. */
import { isIP, isIPv4 } from 'node:net';
import { create } from '@bufbuild/protobuf';
import { type Address, AddressSchema, Transport } from '../../proto/gen/carillon/v1/common_pb.ts';
import type { Endpoint } from '../core/types.ts';
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

const TRANSPORTS: Readonly<Record<string, Transport>> = { 'ws:': Transport.WS, 'wss:': Transport.WSS, 'udp:': Transport.UDP };

/** The ports of addresses without one; datagrams have none. */
const USUAL_PORTS: Readonly<Record<string, number>> = { 'ws:': 80, 'wss:': 443, 'udp:': 0 };

/** The wire form of `ws://HOST:PORT`, `wss://HOST[:PORT]` or `udp://HOST:PORT`; undefined when the text is not one. Spec: SES-024 */
export function parseAdvertisedAddress(text: string): Address | undefined {
  const url = URL.parse(text);
  const transport = url === null ? undefined : TRANSPORTS[url.protocol];
  if (url === null || transport === undefined || !/^\/?$/.test(url.pathname) || url.search !== '' || url.username !== '') return undefined;
  const port = url.port === '' ? (USUAL_PORTS[url.protocol] ?? 0) : Number(url.port);
  if (port === 0) return undefined;
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const found = addressOf(host, port, transport);
  if (found !== undefined) return found;
  // The platform canonicalises hosts of web schemes only.
  if (!/^[a-z0-9.-]{1,253}$/.test(host)) return undefined;
  return create(AddressSchema, { host: { case: 'dns', value: host }, port, transport });
}

/** The wire form of an IP address in text; undefined for anything else. */
function addressOf(ip: string, port: number, transport: Transport): Address | undefined {
  if (isIPv4(ip))
    return create(AddressSchema, { host: { case: 'ip4', value: Uint8Array.from(ip.split('.').map(Number)) }, port, transport });
  if (isIP(ip) === 6) return create(AddressSchema, { host: { case: 'ip6', value: ip6Bytes(ip) }, port, transport });
  return undefined;
}

/** What a node says of where it listens: nothing for a place that stands for all addresses of its machine. */
export function boundAddresses(sessions: Endpoint | undefined, datagrams: Endpoint | undefined): readonly Address[] {
  const at = (bound: Endpoint | undefined, transport: Transport): readonly Address[] => {
    if (bound === undefined || bound.ip === '0.0.0.0' || bound.ip === '::') return [];
    const address = addressOf(bound.ip, bound.port, transport);
    return address === undefined ? [] : [address];
  };
  return [...at(sessions, Transport.WS), ...at(datagrams, Transport.UDP)];
}
