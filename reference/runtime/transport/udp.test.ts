/** Datagrams over UDP on the loopback interface, and in memory: the same promises. */
import { describe, expect, test } from 'vitest';
import type { Endpoint } from '../../core/types.ts';
import { DATAGRAM_BYTES_MAX, DATAGRAMS_WAITING_MAX } from '../limits.ts';
import { createMemoryNetwork } from './memory.ts';
import type { DatagramEvents, DatagramPort } from './transport.ts';
import { openUdp } from './udp.ts';

interface Received {
  readonly from: Endpoint;
  readonly data: Uint8Array;
}

/** An open place, and what comes to it. */
interface Place {
  readonly port: DatagramPort;
  readonly received: Received[];
  next(): Promise<Received>;
}

async function place(open: (events: DatagramEvents) => Promise<DatagramPort>): Promise<Place> {
  const received: Received[] = [];
  let notify: (() => void) | undefined;
  const port = await open({
    onDatagram: (from, data) => {
      received.push({ from, data });
      notify?.();
    },
  });
  return {
    port,
    received,
    next: () =>
      new Promise((resolve) => {
        const take = (): void => {
          const first = received.shift();
          if (first === undefined) notify = take;
          else resolve(first);
        };
        take();
      }),
  };
}

const memory = createMemoryNetwork();
let hosts = 0;

describe.each([
  ['UDP', () => place((events) => openUdp({ host: '127.0.0.1', port: 0 }, events))],
  [
    'memory',
    () => {
      hosts += 1;
      return place((events) => memory.transport(`10.0.0.${hosts}`).openDatagrams({ host: '127.0.0.1', port: 0 }, events));
    },
  ],
] as const)('datagrams over %s', (_, open) => {
  test('come from the endpoint that the sender has bound, and the answer goes there', async () => {
    const [alice, bob] = await Promise.all([open(), open()]);
    const data = Uint8Array.of(1, 2, 3);
    expect(alice.port.send(bob.port.bound, data)).toBeUndefined();
    data[0] = 9;
    const question = await bob.next();
    expect(question).toEqual({ from: alice.port.bound, data: Uint8Array.of(1, 2, 3) });
    bob.port.send(question.from, Uint8Array.of(4));
    expect((await alice.next()).data).toEqual(Uint8Array.of(4));
    await Promise.all([alice.port.close(), bob.port.close()]);
  });

  test('WIR-116 the largest passes, a larger one is not sent', async () => {
    const [alice, bob] = await Promise.all([open(), open()]);
    expect(alice.port.send(bob.port.bound, new Uint8Array(DATAGRAM_BYTES_MAX + 1))).toBe('size');
    expect(alice.port.send(bob.port.bound, new Uint8Array(DATAGRAM_BYTES_MAX).fill(7))).toBeUndefined();
    expect((await bob.next()).data).toEqual(new Uint8Array(DATAGRAM_BYTES_MAX).fill(7));
    await Promise.all([alice.port.close(), bob.port.close()]);
  });

  test('no more wait than the bound, and nothing is thrown for nobody', async () => {
    const alice = await open();
    const faults = new Set<unknown>();
    for (let count = 0; count < 3 * DATAGRAMS_WAITING_MAX; count++)
      faults.add(alice.port.send({ ip: '127.0.0.1', port: 9 }, Uint8Array.of(1)));
    expect([...faults]).toContain(undefined);
    for (const fault of faults) expect([undefined, 'queue']).toContain(fault);
    await alice.port.close();
    expect(alice.port.send({ ip: '127.0.0.1', port: 9 }, Uint8Array.of(1))).toBe('unreachable');
    await alice.port.close();
  });

  test('a taken port is a problem that says what to do', async () => {
    const { port } = await open();
    const again =
      _ === 'UDP'
        ? openUdp({ host: '127.0.0.1', port: port.bound.port }, { onDatagram: () => undefined })
        : memory.transport(port.bound.ip).openDatagrams({ host: '127.0.0.1', port: port.bound.port }, { onDatagram: () => undefined });
    await expect(again).rejects.toMatchObject({ code: 'E_CONFIG', message: expect.stringContaining('choose another port') });
    await port.close();
  });
});

describe('a UDP socket', () => {
  test('sends nowhere that it cannot reach', async () => {
    const { port } = await place((events) => openUdp({ host: '127.0.0.1', port: 0 }, events));
    for (const to of [
      { ip: '::1', port: 1 },
      { ip: 'localhost', port: 1 },
      { ip: '127.0.0.1', port: 0 },
      { ip: '127.0.0.1', port: 65_536 },
    ])
      expect(port.send(to, Uint8Array.of(1))).toBe('unreachable');
    await port.close();
  });

  test('an IPv6 socket writes IPv4 addresses in their own form', async () => {
    const six = await place((events) => openUdp({ host: '::', port: 0 }, events)).catch(() => undefined);
    // A machine without IPv6 has nothing to show here.
    if (six === undefined) return;
    const four = await place((events) => openUdp({ host: '127.0.0.1', port: 0 }, events));
    four.port.send({ ip: '127.0.0.1', port: six.port.bound.port }, Uint8Array.of(1));
    expect((await six.next()).from).toEqual(four.port.bound);
    expect(six.port.send(four.port.bound, Uint8Array.of(2))).toBeUndefined();
    expect((await four.next()).data).toEqual(Uint8Array.of(2));
    await Promise.all([six.port.close(), four.port.close()]);
  });
});
