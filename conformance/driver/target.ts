/** A target: an adapter that the kit has reached or started, greeted and can ask. Spec: chapter 23. */
import { createServer, type Server, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { create } from '@bufbuild/protobuf';
import { Clock, HelloRequestSchema, type HelloResponse, Randomness } from '../../proto/gen/carillon/adapter/v1/adapter_pb.ts';
import { openChannel, parseAddress, streamChannel } from './channel.ts';
import { Connection, type RequestOp, type ResponseResult } from './connection.ts';
import { HarnessError, messageOf, TargetError, targetProblem } from './errors.ts';
import { type Child, type ChildCommand, startChild } from './process.ts';

/** Version of the adapter protocol that the kit speaks. */
export const ADAPTER_VERSION = 1;
/** Revision of the spec that the kit judges. */
export const SPEC_VERSION = '0.1';

/** What `parseAddress` takes. */
export const ADDRESS_FORMS = 'tcp://HOST:PORT, unix:PATH or ws://HOST:PORT';

/** How long a target may take to be reached or to connect back. */
const START_LIMIT_MS = 10_000;
const HELLO_LIMIT_MS = 10_000;
/** How long a process may take to end after its connection did, before the end counts as the connection's alone. */
const EXIT_WAIT_MS = 1_000;

/** Which target to judge. */
export type TargetSpec =
  /** Listens at `tcp://HOST:PORT`, `unix:PATH` or `ws://…`. */
  | { readonly type: 'listening'; readonly address: string }
  /** A command line that starts an adapter; it connects back to the address in `CARILLON_ADAPTER`. */
  | { readonly type: 'exec'; readonly command: string; readonly env?: Readonly<Record<string, string>> }
  /** The reference node's own adapter as a child process. */
  | { readonly type: 'reference'; readonly nodeArguments?: readonly string[]; readonly env?: Readonly<Record<string, string>> };

/** An adapter that answered Hello. */
export interface Target {
  readonly spec: TargetSpec;
  readonly hello: HelloResponse;
  /** The connection in use; another one after `restart`. */
  readonly connection: Connection;
  /** Sends one request; rejects with `TargetError`. Answers `unsupported` and `refused` are results. */
  request(op: RequestOp, limitMs?: number): Promise<ResponseResult>;
  /** A node number that was not used on this target before. */
  nextNode(): number;
  /** Ends what there is and starts or reaches the target anew, after a crash for example. Rejects with `TargetError`. */
  restart(): Promise<void>;
  /** Ends the connection and the process, if the kit started one. Safe to call twice. */
  close(): Promise<void>;
}

interface Attached {
  readonly connection: Connection;
  readonly child: Child | undefined;
}

/** Reaches or starts a target and greets it. Rejects with `TargetError` E_UNREACHABLE, E_ADAPTER, E_INCOMPATIBLE or E_CRASHED. */
export async function openTarget(spec: TargetSpec): Promise<Target> {
  let attached = await attach(spec);
  let hello = await greetOrDetach(attached);
  let node = 0;
  return {
    spec,
    get hello() {
      return hello;
    },
    get connection() {
      return attached.connection;
    },
    request: (op, limitMs) => attached.connection.request(op, limitMs),
    nextNode: () => ++node,
    restart: async () => {
      await detach(attached);
      attached = await attach(spec);
      hello = await greetOrDetach(attached);
    },
    close: () => detach(attached),
  };
}

async function greetOrDetach(attached: Attached): Promise<HelloResponse> {
  try {
    return await greet(attached.connection).catch((error: unknown) => {
      throw error instanceof TargetError ? ungreeted(error) : error;
    });
  } catch (error) {
    await detach(attached);
    throw error;
  }
}

async function detach({ connection, child }: Attached): Promise<void> {
  connection.close();
  await child?.stop();
}

async function attach(spec: TargetSpec): Promise<Attached> {
  if (spec.type === 'listening') {
    const address = parseAddress(spec.address);
    if (address === undefined) {
      const found = JSON.stringify(spec.address);
      throw targetProblem('E_UNREACHABLE', 'the address of the adapter is not usable', ADDRESS_FORMS, found, 'correct it');
    }
    const connection = await Connection.open((events) => openChannel(address, spec.address, events, START_LIMIT_MS));
    return { connection, child: undefined };
  }
  const command = spec.type === 'exec' ? spec.command : referenceCommand(spec.nodeArguments ?? []);
  return attachChild({ command, env: spec.env ?? {} }, spec.type === 'exec' ? spec.command : 'the reference adapter');
}

/** The adapter of the reference beside this kit: sources beside sources, built files beside built files. */
function referenceCommand(nodeArguments: readonly string[]): readonly [string, ...string[]] {
  const suffix = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const main = fileURLToPath(new URL(`../../reference/adapter/main.${suffix}`, import.meta.url));
  return [process.execPath, ...nodeArguments, main];
}

async function attachChild(command: ChildCommand, name: string): Promise<Attached> {
  const server = createServer({ pauseOnConnect: true });
  const port = await listen(server);
  let child: Child | undefined;
  try {
    const started = startChild({ ...command, env: { ...command.env, CARILLON_ADAPTER: `tcp://127.0.0.1:${port}` } });
    child = started;
    const socket = await connectedBack(server, started, name);
    // The end of a connection is told by the process behind it, when that has ended too.
    const connection = await Connection.open(
      (events) => {
        const channel = streamChannel(socket, events);
        socket.resume();
        return channel;
      },
      () => started.waitForEnd(EXIT_WAIT_MS),
    );
    return { connection, child };
  } catch (error) {
    await child?.stop();
    throw error;
  } finally {
    server.close();
  }
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(new HarnessError(`cannot listen on 127.0.0.1: ${messageOf(error)}`)));
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      if (address === null || typeof address === 'string') reject(new HarnessError('a TCP server has no port'));
      else resolve(address.port);
    });
  });
}

async function connectedBack(server: Server, child: Child, name: string): Promise<Socket> {
  const connected = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const ended = child.waitForEnd(START_LIMIT_MS);
  const first = await Promise.race([connected, ended]);
  if (typeof first === 'object') return first;
  const how = first ?? 'none';
  const output = first === undefined && child.lastLines().length > 0 ? `; last output: ${child.lastLines().join(' | ')}` : '';
  const expected = `a connection to the address in CARILLON_ADAPTER within ${START_LIMIT_MS / 1000} s`;
  throw targetProblem('E_UNREACHABLE', `${name} did not start`, expected, `${how}${output}`, 'run the command by hand to see why');
}

async function greet(connection: Connection): Promise<HelloResponse> {
  const request = create(HelloRequestSchema, { adapterVersion: ADAPTER_VERSION, specVersion: SPEC_VERSION });
  const result = await connection.request({ case: 'hello', value: request }, HELLO_LIMIT_MS);
  if (result.case === 'unsupported') throw incompatible(`does not support Hello of version ${ADAPTER_VERSION}: ${result.value.what}`);
  if (result.case === 'refused') throw incompatible(`refused Hello: ${result.value.reason}`);
  if (result.case !== 'hello') throw new TargetError('E_ADAPTER', `the adapter answered Hello with ${result.case}`);
  const hello = result.value;
  if (hello.adapterVersion !== ADAPTER_VERSION) {
    throw incompatible(`speaks adapter protocol ${hello.adapterVersion}, the kit speaks ${ADAPTER_VERSION}`);
  }
  if (hello.specVersion !== SPEC_VERSION) {
    throw incompatible(`implements spec ${hello.specVersion === '' ? 'of no version' : hello.specVersion}, the kit judges ${SPEC_VERSION}`);
  }
  if (![Clock.VIRTUAL, Clock.WALL, Clock.NONE].some((clock) => clock === hello.clock)) {
    throw new TargetError('E_ADAPTER', `the adapter's Hello names clock ${hello.clock}; 1 virtual, 2 wall and 3 none are known`);
  }
  if (hello.clock !== Clock.NONE && ![Randomness.SEEDED, Randomness.OWN].some((kind) => kind === hello.randomness)) {
    throw new TargetError('E_ADAPTER', `the adapter's Hello names randomness ${hello.randomness}; 1 seeded and 2 own are known`);
  }
  if (hello.name === '') throw new TargetError('E_ADAPTER', `the adapter's Hello has an empty name; the report needs one`);
  return hello;
}

function incompatible(what: string): TargetError {
  return new TargetError('E_INCOMPATIBLE', `the target ${what}`);
}

/** A fault before there was anything to judge: whoever does not answer Hello has not started. */
function ungreeted({ code, message }: TargetError): TargetError {
  if (code === 'E_INCOMPATIBLE') {
    const expected = `adapter protocol ${ADAPTER_VERSION} and spec ${SPEC_VERSION}`;
    return targetProblem(code, 'the target is of another version', expected, message, 'use the kit of that version, or update the adapter');
  }
  const action = 'see adapter.proto and chapter 23, Requests and responses';
  if (code === 'E_ADAPTER') return targetProblem(code, 'the adapter breaks its protocol', 'one Response to Hello', message, action);
  const expected = `an answer within ${HELLO_LIMIT_MS / 1000} s`;
  return targetProblem(
    'E_UNREACHABLE',
    'the adapter did not answer Hello',
    expected,
    message,
    'check that an adapter is there, and its output',
  );
}
