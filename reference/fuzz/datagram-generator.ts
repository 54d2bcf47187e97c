/** Datagrams of strangers: questions and answers that are in order, that nearly are, and that never were. */
import { encodeDatagram, makeProof, proofBytes, readDatagram } from '../../conformance/model/datagram.ts';
import { encodeFrame, FRAMES, type FrameRule, frameNamed } from '../../conformance/model/frame.ts';
import { concatBytes } from '../core/bytes.ts';
import type { NodeEffect } from '../core/machine.ts';
import type { Endpoint } from '../core/types.ts';
import type { Arena } from './arena.ts';
import { mutateFields } from './field-mutation.ts';
import { goodBody, oddFrame } from './frames.ts';
import { mutateBytes, oneIn, pick, sizeUpTo } from './mutation.ts';
import { NETWORK_ID, seedOf } from './stock.ts';

/** Those of the subject's hints, others near them, and such as no packet comes from. */
const SOURCES: readonly Endpoint[] = [
  { ip: '8.8.4.4', port: 4_000 },
  { ip: '8.8.4.4', port: 4_000 },
  { ip: '9.9.9.9', port: 4_001 },
  { ip: '9.9.9.9', port: 4_001 },
  { ip: '8.8.4.4', port: 4_001 },
  { ip: '::ffff:8.8.4.4', port: 4_000 },
  { ip: '2620:fe::9', port: 4_002 },
  { ip: '10.0.0.1', port: 1 },
  { ip: '255.255.255.255', port: 65_535 },
  { ip: 'fe80::1%eth0', port: 7 },
  { ip: '', port: 0 },
];

const TRAVELLING = FRAMES.filter(({ datagram }) => datagram !== undefined);
const QUESTIONS = TRAVELLING.filter(({ requestId }) => requestId === 'request');
const NO_TOKEN = new Uint8Array(8);
const EMPTY = new Uint8Array(0);
const DATAGRAM_BYTES_MAX = 1_232;
/** Questions and tokens of the node that are remembered. */
const REMEMBERED_MAX = 16;

/** A question of the node. */
interface Asked {
  readonly to: Endpoint;
  readonly rule: FrameRule;
  readonly cookie: Uint8Array;
  readonly requestId: number;
}

function keyOf({ ip, port }: Endpoint): string {
  return `${ip} ${port}`;
}

/** A generator of datagrams for one node. */
export function createDatagramGenerator(arena: Arena): () => void {
  const { rng, stock } = arena;
  const tokens = new Map<string, Uint8Array>();
  const asked: Asked[] = [];
  let locals = 0;

  /** Remembers what the node asks, and the tokens that it gives. */
  function listen(effects: readonly NodeEffect[]): void {
    for (const effect of effects) {
      if (effect.type !== 'datagram') continue;
      const read = readDatagram(NETWORK_ID, effect.data);
      if (read === undefined) continue;
      const rule = TRAVELLING.find(({ kind }) => kind === read.frame.kind);
      if (rule?.requestId === 'reply') tokens.set(keyOf(effect.to), read.token);
      else if (rule !== undefined) asked.push({ to: effect.to, rule, cookie: read.cookie, requestId: read.frame.requestId });
    }
    asked.splice(0, Math.max(0, asked.length - REMEMBERED_MAX));
  }

  function feed(from: Endpoint, data: Uint8Array): void {
    listen(arena.feed({ type: 'datagram', from, data }));
  }

  function bodyOf(rule: FrameRule): Uint8Array {
    const body = goodBody(rng, stock, rule);
    return oneIn(rng, 2) ? body : mutateFields(rng, body, oneIn(rng, 20) ? 1_400 : rule.lengthMax - 2);
  }

  function tokenFor(from: Endpoint): Uint8Array {
    if (oneIn(rng, 6)) return rng.bytes(8);
    return oneIn(rng, 4) ? NO_TOKEN : (tokens.get(keyOf(from)) ?? NO_TOKEN);
  }

  function question(from: Endpoint): Uint8Array {
    const rule = pick(rng, QUESTIONS);
    const frame = encodeFrame(rule.kind, 1 + rng.below(300), bodyOf(rule));
    return encodeDatagram(NETWORK_ID, { cookie: rng.bytes(8), token: tokenFor(from), frame });
  }

  /** A reply to one of the node's questions, or to none. */
  function reply(): { readonly from: Endpoint; readonly data: Uint8Array } {
    const to = asked.length > 0 && !oneIn(rng, 8) ? pick(rng, asked) : undefined;
    const from = to === undefined || oneIn(rng, 12) ? pick(rng, SOURCES) : to.to;
    const answer = TRAVELLING.find(({ kind }) => kind === to?.rule.answeredBy);
    const rule = oneIn(rng, 5) || answer === undefined ? frameNamed('Retry') : answer;
    const cookie = to?.cookie ?? rng.bytes(8);
    const frame = encodeFrame(rule.kind, to?.requestId ?? rng.below(3), rule.name === 'Retry' ? EMPTY : bodyOf(rule));
    const seed = seedOf(`answerer ${rng.below(30)}`);
    const proof = proofBytes(rule) === 0 ? EMPTY : oneIn(rng, 5) ? rng.bytes(96) : makeProof(NETWORK_ID, seed, cookie, frame);
    return { from, data: encodeDatagram(NETWORK_ID, { cookie, token: rng.bytes(8), frame }, proof) };
  }

  function hostile(from: Endpoint): Uint8Array {
    switch (rng.below(4)) {
      case 0:
        return rng.bytes(sizeUpTo(rng, oneIn(rng, 10) ? 65_507 : 1_300));
      case 1:
        return mutateBytes(rng, question(from), DATAGRAM_BYTES_MAX + 8);
      case 2:
        return mutateBytes(rng, reply().data, DATAGRAM_BYTES_MAX + 8);
      default: {
        const frame = oddFrame(rng, stock, new Set(['dht/1', 'records/1']));
        const data = encodeDatagram(NETWORK_ID, { cookie: rng.bytes(8), token: tokenFor(from), frame });
        return oneIn(rng, 3) ? concatBytes(data, rng.bytes(sizeUpTo(rng, 97))) : data;
      }
    }
  }

  return () => {
    const from = pick(rng, SOURCES);
    const die = rng.below(20);
    if (die < 1) listen(arena.wait(pick(rng, [1, 100, 500, 1_000, 10_000, 31_000, 300_000])));
    if (die < 2) {
      locals += 1;
      listen(arena.feed({ type: 'local', token: locals, request: { type: 'dht.lookup', target: rng.bytes(32) } }));
    } else if (die < 8) feed(from, question(from));
    else if (die < 14) {
      const { from: source, data } = reply();
      feed(source, data);
    } else feed(from, hostile(from));
  };
}
