/** Addresses of plans as text: `ws://1.2.3.4:5`, `wss://name.example:443`, `udp://[2001:db8::1]:6`. */
import { type AddressFields, encodeAddress } from '../model/hello.ts';
import { HarnessError } from './errors.ts';

const FORM = /^(ws|wss|udp):\/\/(?:\[([0-9a-fA-F:.]+)\]|(\d+\.\d+\.\d+\.\d+)|([^:/[\]]+)):(\d{1,5})$/;
const TRANSPORTS: Readonly<Record<string, number>> = { ws: 1, wss: 2, udp: 3 };

/** The Address of a text. Throws `HarnessError` for a text of another form. */
export function readAddressText(text: string): AddressFields {
  const [, scheme = '', ip6, ip4, dns, port] = FORM.exec(text) ?? [];
  const host = ip4 !== undefined ? { ip4: readIp4(ip4) } : ip6 !== undefined ? { ip6: readIp6(ip6) } : { dns: dns ?? '' };
  const transport = TRANSPORTS[scheme];
  if (transport === undefined) throw new HarnessError(`"${text}" is no address; write ws://HOST:PORT, wss://HOST:PORT or udp://HOST:PORT`);
  return { ...host, port: Number(port), transport };
}

/** The text of an Address: what `readAddressText` reads. */
export function formatAddress({ ip4, ip6, dns, port = 0, transport = 0 }: AddressFields): string {
  const scheme = Object.entries(TRANSPORTS).find(([, number]) => number === transport)?.[0] ?? `transport-${transport}`;
  if (ip4 !== undefined) return `${scheme}://${ip4.join('.')}:${port}`;
  if (ip6 === undefined) return `${scheme}://${dns ?? ''}:${port}`;
  const words = Array.from({ length: 8 }, (_, i) => (((ip6[2 * i] ?? 0) << 8) | (ip6[2 * i + 1] ?? 0)).toString(16));
  return `${scheme}://[${words.join(':')}]:${port}`;
}

/** The encoded Address of a text. Throws `HarnessError` for a text of another form. */
export function addressBytes(text: string): Uint8Array {
  return encodeAddress(readAddressText(text));
}

/** The IP address and port of `IP:PORT` or `[IP]:PORT`. Throws `HarnessError` for anything else. */
export function readEndpoint(text: string): { readonly ip: string; readonly port: number } {
  const [, ip6, ip4, port] = /^(?:\[([0-9a-fA-F:.]+)\]|(\d+\.\d+\.\d+\.\d+)):(\d{1,5})$/.exec(text) ?? [];
  const ip = ip6 ?? ip4;
  if (ip === undefined || Number(port) > 65_535) throw new HarnessError(`"${text}" is no IP address with a port`);
  return { ip, port: Number(port) };
}

function readIp4(text: string): Uint8Array {
  const bytes = text.split('.').map(Number);
  if (bytes.length !== 4 || bytes.some((byte) => byte > 255)) throw new HarnessError(`"${text}" is no IPv4 address`);
  return Uint8Array.from(bytes);
}

function readIp6(text: string): Uint8Array {
  const [head = '', tail, ...more] = text.split('::');
  const left = wordsOf(head);
  const right = tail === undefined ? [] : wordsOf(tail);
  const missing = 16 - left.length - right.length;
  if (more.length > 0 || (tail === undefined ? missing !== 0 : missing < 2)) throw new HarnessError(`"${text}" is no IPv6 address`);
  return Uint8Array.from([...left, ...Array.from({ length: missing }, () => 0), ...right]);
}

function wordsOf(text: string): readonly number[] {
  if (text === '') return [];
  return text.split(':').flatMap((word) => {
    if (word.includes('.')) return [...readIp4(word)];
    if (!/^[0-9a-fA-F]{1,4}$/.test(word)) throw new HarnessError(`"${word}" is no part of an IPv6 address`);
    const value = Number.parseInt(word, 16);
    return [value >> 8, value & 255];
  });
}
