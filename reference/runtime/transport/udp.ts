/** Datagrams over UDP: one socket for both ways, so that answers come to where questions left from. Spec: chapter 03, Datagrams */
import { createSocket, type Socket } from 'node:dgram';
import { isIP, isIPv4 } from 'node:net';
import { DATAGRAM_BYTES_MAX, DATAGRAMS_WAITING_MAX } from '../limits.ts';
import { plainAddress } from './half-open.ts';
import type { DatagramEvents, DatagramFault, DatagramPort, ListenAddress } from './transport.ts';
import { bindProblem } from './ws-listener.ts';

/** An IPv6 address of one link alone carries the name of an interface, which means nothing elsewhere. */
const SCOPED = /%/;

/** Opens a UDP socket; rejects with a `Problem` when the address cannot be had. */
export async function openUdp(where: ListenAddress, events: DatagramEvents): Promise<DatagramPort> {
  // A name is bound as IPv4, as the listener for sessions does where a machine has both.
  const family = isIP(where.host) === 6 ? 'udp6' : 'udp4';
  const socket = createSocket({ type: family });
  await bind(socket, where);
  const { address, port } = socket.address();
  let isClosed = false;
  socket.on('message', (data, from) => {
    if (isClosed || SCOPED.test(from.address) || from.port === 0) return;
    // A view of what the socket read: the owner keeps it, and Node does not write to it again.
    events.onDatagram({ ip: plainAddress(from.address), port: from.port }, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  });
  // Errors of one datagram (nobody there, no way there) are that datagram's alone: it is lost, as others are.
  socket.on('error', () => undefined);

  /** The address as the socket takes it, or undefined when it leads nowhere from here. */
  function targetOf(ip: string): string | undefined {
    if (isIP(ip) === 0) return undefined;
    if (family === 'udp4') return isIPv4(ip) ? ip : undefined;
    return isIPv4(ip) ? `::ffff:${ip}` : ip;
  }

  function send(to: { readonly ip: string; readonly port: number }, data: Uint8Array): DatagramFault | undefined {
    const target = targetOf(to.ip);
    if (isClosed || target === undefined || to.port < 1 || to.port > 65_535) return 'unreachable';
    if (data.length > DATAGRAM_BYTES_MAX) return 'size';
    if (socket.getSendQueueCount() >= DATAGRAMS_WAITING_MAX) return 'queue';
    // A copy, for it leaves in a later turn. With a callback, what fails then is told to it and not thrown.
    socket.send(Uint8Array.from(data), to.port, target, () => undefined);
    return undefined;
  }

  return {
    bound: { ip: plainAddress(address), port },
    send,
    close: () =>
      new Promise((resolve) => {
        if (isClosed) {
          resolve();
          return;
        }
        isClosed = true;
        socket.close(() => resolve());
      }),
  };
}

function bind(socket: Socket, where: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', (error) => {
      socket.close();
      reject(bindProblem(where, error));
    });
    socket.bind({ address: where.host, port: where.port, exclusive: true }, () => {
      socket.removeAllListeners('error');
      resolve();
    });
  });
}
