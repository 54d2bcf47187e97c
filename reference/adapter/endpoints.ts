/** Where datagrams come from and go to, as texts of the adapter protocol: `IP:PORT`, IPv6 in brackets. */
import { isIPv4, isIPv6 } from 'node:net';
import type { Endpoint } from '../core/types.ts';

/** The endpoint of a text, its IP address in the shortest form; undefined for anything else. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const [, ip6, ip4, digits] = /^(?:\[([^[\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (!(port >= 1 && port <= 65_535)) return undefined;
  if (ip4 !== undefined) return isIPv4(ip4) ? { ip: ip4, port } : undefined;
  if (ip6 === undefined || !isIPv6(ip6) || ip6.includes('%')) return undefined;
  return { ip: new URL(`ws://[${ip6}]`).hostname.slice(1, -1), port };
}

/** The text of an endpoint. */
export function formatEndpoint({ ip, port }: Endpoint): string {
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
}
