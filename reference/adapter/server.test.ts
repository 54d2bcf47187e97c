import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { afterEach, describe, expect, test } from 'vitest';
import { RequestSchema, type Response, ResponseSchema } from '../../proto/gen/carillon/adapter/v1/adapter_pb.ts';
import { concatBytes } from '../core/bytes.ts';
import { nativeCrypto } from '../runtime/crypto-native.ts';
import { frameMessage, MessageReader } from './framing.ts';
import { listenForKits, parseAdapterAddress, type ServeOptions } from './server.ts';

const ROOT = join(import.meta.dirname, '../..');
const HELLO = { case: 'hello', value: { adapterVersion: 1, specVersion: '0.1' } } as const;

const cleanups: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** The kit's end of a connection. */
class Client {
  readonly socket: Socket;
  readonly #reader = new MessageReader();
  readonly #responses: Response[] = [];
  readonly #waiting: ((response: Response) => void)[] = [];
  readonly closed: Promise<void>;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => undefined);
    socket.on('data', (piece: Buffer) =>
      this.#reader.push(piece, (message) => {
        const response = fromBinary(ResponseSchema, message);
        const waiting = this.#waiting.shift();
        if (waiting === undefined) this.#responses.push(response);
        else waiting(response);
      }),
    );
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
  }

  static request(id: bigint, op: NonNullable<MessageInitShape<typeof RequestSchema>['op']>): Uint8Array {
    return frameMessage(toBinary(RequestSchema, create(RequestSchema, { id, op })));
  }

  send(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  next(): Promise<Response> {
    const response = this.#responses.shift();
    return response === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(response);
  }

  async ask(id: bigint, op: NonNullable<MessageInitShape<typeof RequestSchema>['op']>): Promise<Response> {
    this.send(Client.request(id, op));
    return this.next();
  }
}

async function listen(address = 'tcp://127.0.0.1:0'): Promise<{ readonly address: string; readonly complaints: string[] }> {
  const complaints: string[] = [];
  const parsed = parseAdapterAddress(address);
  if (parsed === undefined) throw new Error(address);
  const options: ServeOptions = {
    crypto: nativeCrypto,
    identity: { name: 'test', version: '0', specVersion: '0.1' },
    complain: (line) => complaints.push(line),
    fail: (error) => {
      throw error;
    },
  };
  const listener = await listenForKits(parsed, options);
  cleanups.push(() => listener.close());
  return { address: listener.address, complaints };
}

async function reach(address: string): Promise<Client> {
  const parsed = parseAdapterAddress(address);
  if (parsed === undefined) throw new Error(address);
  const socket = parsed.type === 'tcp' ? connect(parsed.port, parsed.host) : connect(parsed.path);
  cleanups.push(() => socket.destroy());
  await new Promise((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  return new Client(socket);
}

describe('addresses', () => {
  test.each([
    ['tcp://127.0.0.1:7', { type: 'tcp', host: '127.0.0.1', port: 7 }],
    ['tcp://[::1]:7', { type: 'tcp', host: '::1', port: 7 }],
    ['tcp://localhost:65535', { type: 'tcp', host: 'localhost', port: 65535 }],
    ['unix:/tmp/x.sock', { type: 'unix', path: '/tmp/x.sock' }],
    ['unix:', undefined],
    ['tcp://127.0.0.1', undefined],
    ['tcp://127.0.0.1:65536', undefined],
    ['ws://127.0.0.1:1', undefined],
    ['', undefined],
  ])('%s', (text, address) => {
    expect(parseAdapterAddress(text)).toEqual(address);
  });
});

describe('a listening adapter', () => {
  test('CNF-001 answers every request once, in order, with its id, however the bytes are cut', async () => {
    const { address } = await listen();
    const client = await reach(address);
    const ids = [3n, 1n, 2n ** 64n - 1n, 0n];
    const stream = concatBytes(...ids.map((id) => Client.request(id, HELLO)));
    client.send(stream.subarray(0, 5));
    client.send(stream.subarray(5));
    for (const id of ids) expect((await client.next()).id).toBe(id);
  });

  test('connections have nodes of their own', async () => {
    const { address } = await listen();
    const [one, other] = [await reach(address), await reach(address)];
    const value = {
      node: 1,
      seed: new Uint8Array(32),
      identitySeed: new Uint8Array(32),
      networkId: Uint8Array.of(1),
      preset: 'conformance',
      wallStartMs: 1n,
    };
    for (const client of [one, other]) await client.ask(0n, HELLO);
    expect((await one.ask(1n, { case: 'create', value })).result.case).toBe('step');
    expect((await other.ask(1n, { case: 'destroy', value: { node: 1 } })).result.case).toBe('refused');
    expect((await other.ask(2n, { case: 'create', value })).result.case).toBe('step');
  });

  test('works over a Unix socket', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'carillon-'));
    cleanups.push(() => rmSync(directory, { recursive: true, force: true }));
    const { address } = await listen(`unix:${join(directory, 'a.sock')}`);
    const client = await reach(address);
    expect((await client.ask(1n, HELLO)).result.case).toBe('hello');
  });

  test.each([
    ['bytes that are no Request', frameMessage(Uint8Array.of(0xff, 0xff, 0xff)), 'are no Request'],
    ['a length above 16 MiB', Uint8Array.of(0x01, 0, 0, 1), 'a length of 16777217 bytes'],
  ])('%s close the connection with a line', async (_, bytes, line) => {
    const { address, complaints } = await listen();
    const client = await reach(address);
    client.send(bytes);
    await client.closed;
    expect(complaints).toHaveLength(1);
    expect(complaints[0]).toContain(line);
    expect((await (await reach(address)).ask(1n, HELLO)).result.case).toBe('hello');
  });

  test('an end inside a message is told', async () => {
    const { address, complaints } = await listen();
    const client = await reach(address);
    client.socket.end(Uint8Array.of(0, 0, 0));
    await client.closed;
    expect(complaints).toEqual(['connection closed: it ended inside a message']);
  });

  test('an empty request is unsupported, and the connection goes on', async () => {
    const { address } = await listen();
    const client = await reach(address);
    client.send(frameMessage(new Uint8Array(0)));
    expect((await client.next()).result.case).toBe('unsupported');
    expect((await client.ask(1n, HELLO)).result.case).toBe('hello');
  });
});

describe('the program', () => {
  interface Run {
    readonly child: ChildProcess;
    readonly output: { out: string; err: string };
    readonly exit: Promise<number | null>;
  }

  function run(args: readonly string[], env: Record<string, string>, nodeArgs: readonly string[] = []): Run {
    const { CARILLON_ADAPTER: _address, CARILLON_PATCH: _patch, ...inherited } = process.env;
    const child = spawn(process.execPath, [...nodeArgs, join(ROOT, 'reference/adapter/main.ts'), ...args], {
      cwd: ROOT,
      env: { ...inherited, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    cleanups.push(() => child.kill('SIGKILL'));
    const output = { out: '', err: '' };
    child.stdout?.on('data', (piece: Buffer) => {
      output.out += piece.toString();
    });
    child.stderr?.on('data', (piece: Buffer) => {
      output.err += piece.toString();
    });
    return { child, output, exit: new Promise((resolve) => child.once('close', resolve)) };
  }

  async function kit(): Promise<{ readonly address: string; readonly client: Promise<Client> }> {
    const { promise, resolve } = Promise.withResolvers<Client>();
    const server: Server = createServer((socket) => resolve(new Client(socket)));
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    cleanups.push(() => server.close());
    const bound = server.address();
    return { address: `tcp://127.0.0.1:${typeof bound === 'object' && bound !== null ? bound.port : 0}`, client: promise };
  }

  const HOOK = ['--import', './reference/adapter/patch-hook.ts'];
  const NON_MINIMAL = { case: 'evaluate' as const, value: { function: 'uvarint.decode', args: [Uint8Array.of(0x80, 0)] } };

  test('connects back, answers, and ends with 0 when the kit goes', async () => {
    const { address, client } = await kit();
    const { exit } = run([], { CARILLON_ADAPTER: address });
    const connection = await client;
    expect((await connection.ask(1n, HELLO)).result.case).toBe('hello');
    const answer = await connection.ask(2n, NON_MINIMAL);
    expect(answer.result).toMatchObject({ case: 'evaluate', value: { outcome: { case: 'error', value: 'E_VARINT' } } });
    connection.socket.end();
    expect(await exit).toBe(0);
  });

  test('CNV-002 the sample mutant takes what the reference refuses', async () => {
    const { address, client } = await kit();
    const { exit } = run([], { CARILLON_ADAPTER: address, CARILLON_PATCH: 'reference/adapter/mutants/uvarint-non-minimal.toml' }, HOOK);
    const connection = await client;
    await connection.ask(1n, HELLO);
    const answer = await connection.ask(2n, NON_MINIMAL);
    expect(answer.result).toMatchObject({ case: 'evaluate', value: { outcome: { case: 'values' } } });
    connection.socket.end();
    expect(await exit).toBe(0);
  });

  test('without CARILLON_PATCH the hook changes nothing', async () => {
    const { address, client } = await kit();
    const { exit } = run([], { CARILLON_ADAPTER: address }, HOOK);
    const connection = await client;
    await connection.ask(1n, HELLO);
    expect((await connection.ask(2n, NON_MINIMAL)).result).toMatchObject({ value: { outcome: { case: 'error' } } });
    connection.socket.end();
    expect(await exit).toBe(0);
  });

  test('a patch that does not match once ends with 65 and a line', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'carillon-'));
    cleanups.push(() => rmSync(directory, { recursive: true, force: true }));
    const patch = join(directory, 'stale.toml');
    writeFileSync(
      patch,
      'id = "stale"\ntitle = "x"\nclause = "CNV-002"\nfile = "reference/core/wire/uvarint.ts"\nfind = "no such text"\nreplace = "y"\n',
    );
    const { exit, output } = run([], { CARILLON_ADAPTER: 'tcp://127.0.0.1:1', CARILLON_PATCH: patch }, HOOK);
    expect(await exit).toBe(65);
    expect(output.err).toBe(
      'patch does not apply: stale: in reference/core/wire/uvarint.ts the text to find occurs 0 times instead of once\n',
    );
  });

  test('listens, prints its address, and ends with 0 on SIGTERM', async () => {
    const { child, output, exit } = run(['--listen', 'tcp://127.0.0.1:0', '--crypto', 'portable'], {});
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    const client = await reach(output.out.trim());
    expect((await client.ask(1n, HELLO)).result.case).toBe('hello');
    child.kill('SIGTERM');
    expect(await exit).toBe(0);
  });

  test('ends with a line when it knows no address, or nobody is there', async () => {
    const usage = run([], {});
    expect(await usage.exit).toBe(2);
    expect(usage.output.err).toContain('E_USAGE');
    const alone = run([], { CARILLON_ADAPTER: 'tcp://127.0.0.1:1' });
    expect(await alone.exit).toBe(3);
    expect(alone.output.err).toContain('E_UNREACHABLE');
  });

  test('ends with 4 when the kit breaks the protocol', async () => {
    const { address, client } = await kit();
    const { exit, output } = run([], { CARILLON_ADAPTER: address });
    (await client).send(Uint8Array.of(0xff, 0xff, 0xff, 0xff));
    expect(await exit).toBe(4);
    expect(output.err).toContain('connection closed');
  });
});
