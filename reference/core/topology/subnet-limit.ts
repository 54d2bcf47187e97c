/** For which addresses the limits by subnet hold. Spec: chapter 10, "Roles, subnets, regions" */
import type { Params } from '../params.ts';
import { plainIp, subnetOf } from '../wire/subnet.ts';

/** The host of an address with or without scheme and port; IPv6 with a port stands in brackets. */
export function hostOf(address: string): string {
  const text = address.replace(/^[a-z]+:\/\//, '').toLowerCase();
  const bracketed = /^\[([^\]]*)\]/.exec(text)?.[1];
  if (bracketed !== undefined) return plainIp(bracketed);
  return plainIp(text.split(':').length === 2 ? text.slice(0, text.indexOf(':')) : text);
}

const LOCAL_IPV4 = /^(?:10\.|127\.|169\.254\.|192\.168\.|172\.(?:1[6-9]|2[0-9]|3[01])\.)/;
const LOCAL_IPV6 = /^(?:(?:0*:)*0*:0*1$|::1$|f[cd][0-9a-f]{0,2}:|fe[89ab][0-9a-f]?:)/;

/** Whether only the neighbourhood of a host can reach the address: loopback, private and link-local ranges. */
function isLocal(host: string): boolean {
  return host.includes(':') ? LOCAL_IPV6.test(host) : LOCAL_IPV4.test(host);
}

/** The subnet for whose limits an address counts, or undefined when none hold for it. */
export function limitedSubnet(params: Params, address: string): string | undefined {
  const host = hostOf(address);
  if (params['dht.address_policy'] === 'devnet' && isLocal(host)) return undefined;
  return subnetOf(host);
}
