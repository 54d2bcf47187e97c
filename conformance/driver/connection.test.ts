import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { EvaluateRequestSchema, RefusedSchema } from '../../proto/gen/carillon/adapter/v1/adapter_pb.ts';
import { frameMessage, MESSAGE_BYTES_MAX, MessageSplitter, openChannel, parseAddress } from './channel.ts';
import { Connection, type RequestOp } from './connection.ts';
import { TargetError } from './errors.ts';
import { answerOf, encodeResponse, listenToy, ToyAdapter, type ToyQuirks, type ToyServer } from './testing/toy-adapter.ts';

const servers: { close(): Promise<void> }[] = [];
const connections: Connection[] = [];
afterEach(async () => {
  for (const connection of connections.splice(0)) connection.close();
  for (const server of servers.splice(0)) await server.close();
});

async function connect(address: string): Promise<Connection> {
  const parsed = parseAddress(address);
  if (parsed === undefined) throw new Error(address);
  const connection = await Connection.open((events) => openChannel(parsed, address, events, 2_000));
  connections.push(connection);
  return connection;
}

async function connectToy(quirks: ToyQuirks = {}): Promise<Connection> {
  const server: ToyServer = await listenToy(quirks);
  servers.push(server);
  return connect(server.address);
}

const evaluate = (data: string): RequestOp => ({
  case: 'evaluate',
  value: create(EvaluateRequestSchema, { function: 'sha256', args: [new TextEncoder().encode(data)] }),
});

async function errorOf(work: Promise<unknown>): Promise<TargetError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof TargetError) return error;
  throw new Error(`expected a TargetError, found ${String(error)}`);
}

describe('framing', () => {
  test('a message survives every way of cutting it into packets', () => {
    const messages = [randomBytes(0), randomBytes(1), randomBytes(300), randomBytes(5)].map((message) => new Uint8Array(message));
    const stream = Buffer.concat(messages.map(frameMessage));
    for (let size = 1; size <= stream.length; size++) {
      const splitter = new MessageSplitter();
      const found: Uint8Array[] = [];
      for (let at = 0; at < stream.length; at += size) found.push(...splitter.push(stream.subarray(at, at + size)));
      expect(found).toEqual(messages);
      expect(splitter.pendingBytes).toBe(0);
    }
  });

  test('a length above 16 MiB is refused from its four bytes alone', () => {
    expect(() => new MessageSplitter().push(Uint8Array.of(1, 0, 0, 1))).toThrow(RangeError);
    expect(new MessageSplitter().push(Uint8Array.of(1, 0, 0, 0))).toEqual([]);
    expect(() => frameMessage(new Uint8Array(MESSAGE_BYTES_MAX + 1))).toThrow(RangeError);
  });

  test('addresses are read or refused', () => {
    expect(parseAddress('tcp://127.0.0.1:80')).toEqual({ kind: 'tcp', host: '127.0.0.1', port: 80 });
    expect(parseAddress('tcp://[::1]:80')).toEqual({ kind: 'tcp', host: '::1', port: 80 });
    expect(parseAddress('unix:/tmp/x')).toEqual({ kind: 'unix', path: '/tmp/x' });
    expect(parseAddress('ws://localhost:1/a')).toEqual({ kind: 'ws', url: 'ws://localhost:1/a' });
    for (const text of ['', 'tcp://127.0.0.1', 'tcp://a:0', 'tcp://a:65536', 'unix:', 'http://a', 'ws://'])
      expect(parseAddress(text)).toBeUndefined();
  });
});

describe('requests', () => {
  test('CNF-001 answers are matched in order, also when several wait', async () => {
    const connection = await connectToy();
    const answers = await Promise.all(['a', 'b', 'c'].map((data) => connection.request(evaluate(data))));
    const values = answers.map((answer) =>
      answer.case === 'evaluate' && answer.value.outcome.case === 'values' ? answer.value.outcome.value.values[0] : undefined,
    );
    expect(new Set(values.map((value) => value?.join())).size).toBe(3);
    expect(values.every((value) => value?.length === 32)).toBe(true);
  });

  test('split and coalesced packets are answered, repeated ids too', async () => {
    const connection = await connectToy();
    expect(await connection.requestTogether([{ id: 5n, op: evaluate('a') }], 1)).toMatchObject([{ case: 'evaluate' }]);
    const repeated = [5n, 5n, 2n].map((id) => ({ id, op: evaluate('a') }));
    expect((await connection.requestTogether(repeated)).map((answer) => answer.case)).toEqual(['evaluate', 'evaluate', 'evaluate']);
    expect((await connection.requestUnknown()).case).toBe('unsupported');
  });

  test('a Unix socket and a WebSocket carry the same messages', async () => {
    const path = join(tmpdir(), `carillon-${randomBytes(6).toString('hex')}.sock`);
    const unix = await listenToy({}, path);
    servers.push(unix);
    expect((await (await connect(unix.address)).request(evaluate('a'))).case).toBe('evaluate');

    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    await new Promise((resolve) => server.once('listening', resolve));
    servers.push({ close: () => new Promise((resolve) => server.close(() => resolve())) });
    server.on('connection', (socket) => {
      const adapter = new ToyAdapter();
      socket.on('message', (data: Buffer) => {
        const answer = answerOf(adapter, data, {});
        if (typeof answer !== 'string') socket.send(answer);
      });
    });
    const address = server.address();
    const connection = await connect(`ws://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`);
    expect((await connection.request(evaluate('a'))).case).toBe('evaluate');
    for (const client of server.clients) client.send('text');
    expect(await errorOf(connection.request(evaluate('a')).then(() => connection.request(evaluate('b'))))).toMatchObject({
      code: 'E_ADAPTER',
    });
  });
});

describe('an adapter that breaks the protocol', () => {
  const cases: readonly (readonly [name: string, answer: ToyQuirks['answer'], code: string, text: RegExp])[] = [
    ['bytes that are no Response', () => Uint8Array.of(0xff, 0xff, 0xff), 'E_ADAPTER', /no Response/],
    ['another id', ({ id }) => encodeResponse(id + 1n, { case: 'refused', value: create(RefusedSchema) }), 'E_ADAPTER', /CNF-001/],
    ['no result', ({ id }) => encodeResponse(id, { case: undefined }), 'E_ADAPTER', /without a result/],
    [
      'a result of another request',
      ({ id }) => encodeResponse(id, { case: 'query', value: { $typeName: 'carillon.adapter.v1.QueryResponse', json: '' } }),
      'E_ADAPTER',
      /with query/,
    ],
    ['an end inside a message', () => 'half', 'E_ADAPTER', /ended inside a message/],
    ['an end instead of an answer', () => 'close', 'E_CRASHED', /closed the connection while evaluate/],
  ];
  test.each(cases)('%s', async (_, answer, code, text) => {
    const connection = await connectToy(answer === undefined ? {} : { answer });
    const error = await errorOf(connection.request(evaluate('a')));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(text);
    expect(connection.fault).toBe(error);
    expect(await errorOf(connection.request(evaluate('b')))).toBe(error);
  });

  test('a length beyond the bound and an answer that nobody asked for', async () => {
    for (const [bytes, text] of [
      [Uint8Array.of(0xff, 0, 0, 0), /announces a message/],
      [frameMessage(encodeResponse(9n, { case: 'refused', value: create(RefusedSchema) })), /nobody asked for/],
    ] as const) {
      const server = createServer((socket) => void socket.write(bytes));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      servers.push({ close: () => new Promise((resolve) => server.close(() => resolve())) });
      const address = server.address();
      const connection = await connect(`tcp://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`);
      while (connection.fault === undefined) await new Promise((resolve) => setImmediate(resolve));
      expect(connection.fault.code).toBe('E_ADAPTER');
      expect(connection.fault.message).toMatch(text);
    }
  });

  test('silence runs into the time limit and counts as a crash', async () => {
    const connection = await connectToy({ answer: () => 'silence' });
    const error = await errorOf(connection.request(evaluate('a'), 50));
    expect(error.code).toBe('E_CRASHED');
    expect(error.message).toContain('within 50 ms');
  });

  test('nobody there is E_UNREACHABLE', async () => {
    const server = await listenToy();
    await server.close();
    expect((await errorOf(connect(server.address))).code).toBe('E_UNREACHABLE');
    expect((await errorOf(connect('unix:/nonexistent/socket'))).code).toBe('E_UNREACHABLE');
    expect((await errorOf(connect(server.address.replace('tcp', 'ws')))).code).toBe('E_UNREACHABLE');
  });
});
