/** One UDP socket of the kit at level wire, with a source address of its own. */
import { createSocket } from 'node:dgram';

/** Where a node takes datagrams. */
export interface UdpAddress {
  readonly host: string;
  readonly port: number;
}

/** A socket that is bound. */
export interface UdpSocket {
  send(bytes: Uint8Array): void;
  close(): Promise<void>;
}

/** Ports below this one are for others to give. */
const PORT_MIN = 1_024;

/**
 * Binds a socket to an address of this machine, with the wished port if it is free. Datagrams of
 * anybody come to `onMessage`. Rejects with the system's error when the address cannot be had.
 */
export async function openUdpSocket(
  to: UdpAddress,
  from: { readonly address: string | undefined; readonly port: number },
  onMessage: (bytes: Uint8Array) => void,
): Promise<UdpSocket> {
  const wished = from.port >= PORT_MIN ? from.port : 0;
  try {
    return await bindSocket(to, from.address, wished, onMessage);
  } catch (error) {
    if (wished === 0 || (error as { readonly code?: unknown }).code !== 'EADDRINUSE') throw error;
    return bindSocket(to, from.address, 0, onMessage);
  }
}

function bindSocket(to: UdpAddress, address: string | undefined, port: number, onMessage: (bytes: Uint8Array) => void): Promise<UdpSocket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(to.host.includes(':') ? 'udp6' : 'udp4');
    socket.once('error', reject);
    socket.on('message', (bytes) => onMessage(new Uint8Array(bytes)));
    socket.bind({ port, ...(address === undefined ? {} : { address }) }, () => {
      socket.off('error', reject);
      // A node that is gone shows in the checks, not as an error of a socket.
      socket.on('error', () => undefined);
      resolve({
        send: (bytes) => socket.send(bytes, to.port, to.host, () => undefined),
        close: () => new Promise((closed) => socket.close(() => closed())),
      });
    });
  });
}

/** `HOST:PORT`, IPv6 in brackets; undefined for anything else. */
export function parseUdpAddress(text: string): UdpAddress | undefined {
  const [, ip6, name, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:/[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = ip6 ?? name;
  const port = Number(digits);
  return host !== undefined && port >= 1 && port <= 65_535 ? { host, port } : undefined;
}
