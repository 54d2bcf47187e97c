/** An adapter around the toy node for the driver's own tests; behaves on request as no adapter should. */
import { createServer, type Server, type Socket } from 'node:net';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  Clock,
  type Effect,
  EffectSchema,
  HelloResponseSchema,
  LimitsSchema,
  Randomness,
  RefusedSchema,
  type Request,
  RequestSchema,
  type Response,
  ResponseSchema,
  StepResponseSchema,
  UnsupportedSchema,
  Until,
  ValuesSchema,
  VerdictKind,
} from '../../../proto/gen/carillon/adapter/v1/adapter_pb.ts';
import { sha256 } from '../../model/bytes.ts';
import { frameMessage, MessageSplitter } from '../channel.ts';
import { type ToyEffect, ToyNode } from './toy-node.ts';

/** Departures from an adapter in order. */
export interface ToyQuirks {
  readonly capabilities?: readonly string[];
  readonly specVersion?: string;
  readonly isCareless?: boolean;
  readonly clock?: Clock;
  /** Answers instead of the adapter: bytes of a whole message, or nothing at all for `'silence'`. */
  answer?(request: Request): Uint8Array | 'silence' | 'close' | 'half' | undefined;
  /** Keeps nodes over Destroy. */
  readonly isSticky?: boolean;
}

interface Made {
  readonly node: ToyNode;
  nowMs: number;
  readonly used: Set<number>;
}

const VERDICTS = { accept: VerdictKind.ACCEPT, ignore: VerdictKind.IGNORE, reject: VerdictKind.REJECT } as const;

/** Answers requests; one instance a connection. */
export class ToyAdapter {
  readonly #quirks: ToyQuirks;
  readonly #nodes = new Map<number, Made>();

  constructor(quirks: ToyQuirks = {}) {
    this.#quirks = quirks;
  }

  /** The response to one request. */
  respond({ id, op }: Request): Response {
    return create(ResponseSchema, { id, result: this.#result(op) });
  }

  #result(op: Request['op']): Response['result'] {
    if (op.case === undefined || op.case === 'query') return unsupported('unknown request');
    if (op.case === 'hello') return this.#hello();
    if (op.case === 'evaluate') {
      if (op.value.function !== 'sha256') return unsupported(op.value.function);
      const [data, ...more] = op.value.args;
      if (data === undefined || more.length > 0) return refused('sha256 takes one argument');
      return {
        case: 'evaluate',
        value: {
          $typeName: 'carillon.adapter.v1.EvaluateResponse',
          outcome: { case: 'values', value: create(ValuesSchema, { values: [sha256(data)] }) },
        },
      };
    }
    if (op.case === 'create') {
      if (Object.entries(op.value.overrides).some(([name, value]) => !isAllowed(name, value))) return refused('E_CONFIG');
      if (this.#nodes.has(op.value.node)) return refused('the node exists');
      const { seed, identitySeed, networkId } = op.value;
      const made = {
        node: new ToyNode({ seed, identitySeed, networkId, isCareless: this.#quirks.isCareless ?? false }),
        nowMs: 0,
        used: new Set<number>(),
      };
      this.#nodes.set(op.value.node, made);
      return stepResult(made, []);
    }
    const made = this.#nodes.get(op.value.node);
    if (made === undefined) return refused(`there is no node ${op.value.node}`);
    switch (op.case) {
      case 'open': {
        const { link, mode } = op.value;
        if (made.used.has(link)) return refused('the link was used');
        if (mode.case === undefined || !this.#capabilities().includes(mode.case)) return unsupported(`mode ${mode.case}`);
        made.used.add(link);
        return stepResult(made, made.node.open(link, made.nowMs, mode.case === 'established' ? mode.value.capabilities : undefined));
      }
      case 'input': {
        const { input } = op.value;
        if (input.case !== 'message' && input.case !== 'frame' && input.case !== 'closed') return unsupported(`input ${input.case}`);
        if (!made.node.hasLink(input.value.link)) return refused(`there is no link ${input.value.link}`);
        if (input.case === 'message') return stepResult(made, made.node.message(input.value.link, input.value.data, input.value.text));
        if (input.case === 'frame') return stepResult(made, made.node.plaintext(input.value.link, input.value.plaintext));
        made.node.closed(input.value.link);
        return stepResult(made, []);
      }
      case 'advance':
        return this.#advance(made, Number(op.value.toMs), op.value.until);
      case 'destroy':
        if (this.#quirks.isSticky !== true) this.#nodes.delete(op.value.node);
        return stepResult(made, []);
      default:
        return unsupported(op.case);
    }
  }

  #advance(made: Made, toMs: number, until: Until): Response['result'] {
    if (toMs < made.nowMs) return refused('the clock does not go back');
    const effects: Effect[] = [];
    for (;;) {
      const due = made.node.deadline();
      if (due === undefined || due > toMs) break;
      made.nowMs = Math.max(made.nowMs, due);
      const caused = made.node.tick(made.nowMs).map((effect) => toEffect(effect, made.nowMs));
      effects.push(...caused);
      if (until === Until.WAKE || (until === Until.EFFECT && caused.length > 0)) return finished(made, effects);
    }
    made.nowMs = toMs;
    return finished(made, effects);
  }

  #capabilities(): readonly string[] {
    return this.#quirks.capabilities ?? ['raw', 'established', 'reasons', 'gossip/1', 'direct/1'];
  }

  #hello(): Response['result'] {
    return {
      case: 'hello',
      value: create(HelloResponseSchema, {
        adapterVersion: 1,
        name: 'toy',
        version: '0',
        language: 'TypeScript',
        specVersion: this.#quirks.specVersion ?? '0.1',
        conformanceClass: 'app',
        capabilities: [...this.#capabilities()],
        clock: this.#quirks.clock ?? Clock.VIRTUAL,
        randomness: Randomness.SEEDED,
        functions: ['sha256'],
        limits: create(LimitsSchema, { nodesMax: 4, linksMax: 64 }),
      }),
    };
  }
}

function isAllowed(name: string, value: string): boolean {
  return name === 'session.ping_interval_ms' && Number(value) >= 1_000;
}

function stepResult(made: Made, effects: readonly ToyEffect[]): Response['result'] {
  return finished(
    made,
    effects.map((effect) => toEffect(effect, made.nowMs)),
  );
}

function finished(made: Made, effects: readonly Effect[]): Response['result'] {
  const next = made.node.deadline();
  const value = create(StepResponseSchema, {
    nowMs: BigInt(made.nowMs),
    effects: [...effects],
    ...(next === undefined ? {} : { nextWakeMs: BigInt(next) }),
  });
  return { case: 'step', value };
}

function toEffect(effect: ToyEffect, nowMs: number): Effect {
  const atMs = BigInt(nowMs);
  switch (effect.type) {
    case 'close':
      return create(EffectSchema, {
        atMs,
        effect: { case: 'close', value: { $typeName: 'carillon.adapter.v1.CloseEffect', link: effect.link, code: effect.code } },
      });
    case 'message':
      return create(EffectSchema, {
        atMs,
        effect: { case: 'message', value: { $typeName: 'carillon.adapter.v1.MessageEffect', link: effect.link, data: effect.data } },
      });
    case 'plaintext':
      return create(EffectSchema, {
        atMs,
        effect: { case: 'frame', value: { $typeName: 'carillon.adapter.v1.FrameEffect', link: effect.link, plaintext: effect.data } },
      });
    case 'established': {
      const { link, peerId, capabilities } = effect;
      return create(EffectSchema, {
        atMs,
        effect: {
          case: 'established',
          value: { $typeName: 'carillon.adapter.v1.EstablishedEffect', link, peerId, capabilities: [...capabilities] },
        },
      });
    }
    case 'deliver': {
      const { topic, id, origin, data } = effect;
      return create(EffectSchema, {
        atMs,
        effect: { case: 'deliver', value: { $typeName: 'carillon.adapter.v1.DeliverEffect', topic, id, origin, data } },
      });
    }
    case 'verdict': {
      const { link, hash: envelopeHash, verdict, code } = effect;
      return create(EffectSchema, {
        atMs,
        effect: {
          case: 'verdict',
          value: { $typeName: 'carillon.adapter.v1.VerdictEffect', link, envelopeHash, verdict: VERDICTS[verdict], code, clause: '' },
        },
      });
    }
  }
}

function unsupported(what: string): Response['result'] {
  return { case: 'unsupported', value: create(UnsupportedSchema, { what }) };
}

function refused(reason: string): Response['result'] {
  return { case: 'refused', value: create(RefusedSchema, { reason }) };
}

/** Serves a toy over a stream socket. */
export function serveToy(socket: Socket, quirks: ToyQuirks = {}): void {
  const adapter = new ToyAdapter(quirks);
  const splitter = new MessageSplitter();
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Uint8Array) => {
    for (const message of splitter.push(chunk)) {
      const answer = answerOf(adapter, message, quirks);
      if (answer === 'close') socket.destroy();
      else if (answer === 'half') socket.end(Uint8Array.of(0, 0, 1, 0, 1, 2, 3));
      else if (answer !== 'silence') socket.write(frameMessage(answer));
    }
  });
}

/** What goes back for one message. */
export function answerOf(adapter: ToyAdapter, message: Uint8Array, quirks: ToyQuirks): Uint8Array | 'silence' | 'close' | 'half' {
  const request = fromBinary(RequestSchema, message);
  return quirks.answer?.(request) ?? toBinary(ResponseSchema, adapter.respond(request));
}

/** A listening toy. */
export interface ToyServer {
  readonly address: string;
  close(): Promise<void>;
}

/** Listens on a free port of 127.0.0.1, or at a Unix socket's path. */
export function listenToy(quirks: ToyQuirks = {}, path?: string): Promise<ToyServer> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    serveToy(socket, quirks);
  });
  return new Promise((resolve) => {
    const done = (): void => {
      const address = server.address();
      resolve({
        address: address === null || typeof address === 'string' ? `unix:${path}` : `tcp://127.0.0.1:${address.port}`,
        close: () =>
          new Promise((closed) => {
            for (const socket of sockets) socket.destroy();
            server.close(() => closed());
          }),
      });
    };
    if (path === undefined) server.listen(0, '127.0.0.1', done);
    else server.listen(path, done);
  });
}

/** An encoded Response, for quirks. */
export function encodeResponse(id: bigint, result: Response['result']): Uint8Array {
  return toBinary(ResponseSchema, create(ResponseSchema, { id, result }));
}
