import { describe, expect, test } from 'vitest';
import { SEND_BUFFER_BYTES_MAX } from '../limits.ts';
import { createMemoryNetwork } from './memory.ts';
import type { CloseReason, Connection, ConnectionEvents, Transport } from './transport.ts';

interface End {
  readonly connection: Connection;
  readonly messages: Uint8Array[];
  closed: CloseReason | undefined;
}

function makeEnd(connection: Connection): { readonly end: End; readonly events: ConnectionEvents } {
  const end: End = { connection, messages: [], closed: undefined };
  return {
    end,
    events: {
      onMessage: (data) => end.messages.push(data),
      onClosed: (reason) => {
        end.closed = reason;
      },
    },
  };
}

function turns(count = 4): Promise<void> {
  return new Promise((resolve) => {
    const next = (left: number): unknown => (left === 0 ? resolve() : setImmediate(() => next(left - 1)));
    next(count);
  });
}

async function pair(): Promise<{
  readonly near: End;
  readonly far: End;
  readonly dialler: Transport;
  readonly listener: Transport;
  readonly url: string;
}> {
  const network = createMemoryNetwork();
  const [dialler, listener] = [network.transport('10.0.0.1'), network.transport('10.0.0.2')];
  let far: End | undefined;
  const { url } = await listener.listen(
    { host: '127.0.0.1', port: 0 },
    {
      onInbound: (connection) => {
        const made = makeEnd(connection);
        far = made.end;
        return made.events;
      },
      onRefused: () => undefined,
    },
  );
  const near = await new Promise<End>((resolve, reject) => {
    dialler.dial(url, {
      onOpened: (connection) => {
        const made = makeEnd(connection);
        resolve(made.end);
        return made.events;
      },
      onFailed: (reason) => reject(new Error(reason)),
    });
  });
  if (far === undefined) throw new Error('nobody was called');
  return { near, far, dialler, listener, url };
}

describe('the memory transport', () => {
  test('each end sees the address of the other', async () => {
    const { near, far } = await pair();
    expect([near.connection.remoteAddress, far.connection.remoteAddress]).toEqual(['10.0.0.2', '10.0.0.1']);
  });

  test('messages arrive in order, in a later turn, as copies', async () => {
    const { near, far } = await pair();
    const bytes = Uint8Array.of(1);
    for (let value = 1; value <= 100; value++) {
      bytes[0] = value;
      near.connection.send(bytes);
    }
    expect(far.messages).toEqual([]);
    await turns();
    expect(far.messages.map((message) => message[0])).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
  });

  test('what was sent before a close arrives before it', async () => {
    const { near, far } = await pair();
    near.connection.send(Uint8Array.of(7));
    near.connection.close();
    expect(near.connection.send(Uint8Array.of(8))).toBe(false);
    await turns();
    expect(far.messages).toEqual([Uint8Array.of(7)]);
    expect(far.closed).toBe('gone');
    expect(near.closed).toBeUndefined();
  });

  test('an end that takes nothing is cut at the bound', async () => {
    const { near, far } = await pair();
    const message = new Uint8Array(65_536);
    let sent = 0;
    while (near.connection.send(message)) sent += 1;
    expect(sent).toBe(SEND_BUFFER_BYTES_MAX / message.length);
    expect(near.closed).toBe('backpressure');
    await turns();
    expect(far.closed).toBe('gone');
  });

  test('a transport that closes takes both ends of its connections and its addresses with it', async () => {
    const { near, far, dialler, listener, url } = await pair();
    await listener.close();
    await turns();
    expect(near.closed).toBe('gone');
    expect(far.closed).toBeUndefined();
    const failed = new Promise<string>((resolve) => dialler.dial(url, { onOpened: () => expect.fail(), onFailed: resolve }));
    expect(await failed).toContain('nobody listens');
  });

  test('two listeners do not share an address', async () => {
    const transport = createMemoryNetwork().transport('10.0.0.1');
    const events = { onInbound: () => expect.fail(), onRefused: () => undefined };
    await transport.listen({ host: '', port: 5 }, events);
    await expect(transport.listen({ host: '', port: 5 }, events)).rejects.toMatchObject({ code: 'E_CONFIG' });
  });
});
