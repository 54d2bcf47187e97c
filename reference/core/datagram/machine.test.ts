import { describe, expect, test } from 'vitest';
import { datagramFault, encodeDatagram, makeProof, readDatagram } from '../../../conformance/model/datagram.ts';
import { encodeFrame } from '../../../conformance/model/frame.ts';
import { encodeUtf8, toHex } from '../bytes.ts';
import { portableCrypto as crypto } from '../crypto/portable.ts';
import type { DatagramHandle } from '../machine.ts';
import { makeParams } from '../params.ts';
import { createRng } from '../rng.ts';
import type { AskId, Endpoint, PeerId } from '../types.ts';
import { derivePeerId } from '../wire/peer-id.ts';
import { createDatagrams, type DatagramMachine, type DatagramOutput } from './machine.ts';

const NETWORK = encodeUtf8('test');
const SEED = new Uint8Array(32).fill(1);
const OTHER_SEED = new Uint8Array(32).fill(2);
const HERE: Endpoint = { ip: '198.51.100.7', port: 4000 };
const NONE = new Uint8Array(8);
const COOKIE = new Uint8Array(8).fill(0xc0);
const [PING, PONG, FIND, RETRY] = [90, 92, 70, 8];
const EMPTY = new Uint8Array(0);

function peerOf(seed: Uint8Array): PeerId {
  return derivePeerId(crypto, 1, crypto.ed25519PublicKey(seed));
}

function start(overrides: Readonly<Record<string, string>> = {}): DatagramMachine {
  const made = makeParams('conformance', overrides);
  if (!made.ok) throw new Error(made.message);
  return createDatagrams({
    params: made.params,
    crypto,
    rng: createRng(encodeUtf8('datagrams')),
    networkId: NETWORK,
    identitySeed: SEED,
    self: peerOf(SEED),
    publicKey: crypto.ed25519PublicKey(SEED),
  });
}

const at = (monoMs: number) => ({ monoMs, wallMs: 1_700_000_000_000 + monoMs });

function question(
  kind: number,
  { token = NONE, fill = 0, requestId = 1 }: { token?: Uint8Array; fill?: number; requestId?: number } = {},
): Uint8Array {
  const body = fill === 0 ? EMPTY : Uint8Array.of(0xa2, 0x1f, fill, ...new Uint8Array(fill));
  return encodeDatagram(NETWORK, { cookie: COOKIE, token, frame: encodeFrame(kind, requestId, body) });
}

/** The datagrams among the outputs, read by the model and in order by it. */
function sent(outputs: readonly DatagramOutput[]) {
  return outputs.flatMap((output) => {
    if (output.type !== 'datagram') return [];
    expect(datagramFault(NETWORK, output.data)).toBeUndefined();
    const read = readDatagram(NETWORK, output.data);
    if (read === undefined) throw new Error('a datagram in order can be read');
    return [{ ...read, to: output.to, bytes: output.data.length }];
  });
}

/** Asks, and answers for the chapter's machine where it is asked. */
function exchange(machine: DatagramMachine, data: Uint8Array, monoMs = 0, from: Endpoint = HERE) {
  const outputs = machine.handle({ type: 'datagram', from, data }, at(monoMs));
  const asked = outputs.find((output) => output.type === 'datagramAsked');
  if (asked === undefined) return sent(outputs);
  return sent(machine.handle({ type: 'answerByDatagram', handle: asked.handle, kind: asked.kind + 2, body: EMPTY }, at(monoMs)));
}

function tokenOf(machine: DatagramMachine, monoMs = 0, from: Endpoint = HERE): Uint8Array {
  const [retry] = exchange(machine, question(PING), monoMs, from);
  if (retry === undefined) throw new Error('a Retry');
  return retry.token;
}

describe('answering', () => {
  test('WIR-122, WIR-123: who has not shown its address gets a Retry no longer than its question', () => {
    const [reply] = exchange(start(), question(PING));
    expect(reply).toMatchObject({ to: HERE, bytes: 23, frame: { kind: RETRY, requestId: 1 } });
    expect(toHex(reply?.cookie ?? EMPTY)).toBe(toHex(COOKIE));
  });

  test('WIR-129, WIR-132: with the token the answer comes, proved', () => {
    const machine = start();
    const [reply] = exchange(machine, question(PING, { token: tokenOf(machine), requestId: 77 }));
    expect(reply).toMatchObject({ to: HERE, frame: { kind: PONG, requestId: 77 }, proof: { valid: true } });
    expect(toHex(reply?.proof?.peerId ?? EMPTY)).toBe(peerOf(SEED));
  });

  test('WIR-122: a question as long as its answer needs no token', () => {
    const [answered] = exchange(start(), question(PING, { fill: 93 }));
    expect(answered?.frame.kind).toBe(PONG);
    const [short] = exchange(start(), question(PING, { fill: 92 }));
    expect(short?.frame.kind).toBe(RETRY);
  });

  test('WIR-124: a kind that asks for a proven address is not handed on without one', () => {
    const outputs = start().handle({ type: 'datagram', from: HERE, data: question(FIND, { fill: 100 }) }, at(0));
    expect(outputs.map(({ type }) => type)).toEqual(['datagram']);
  });

  test('WIR-128 to WIR-130: a token is good for one address and port, for one to two periods', () => {
    const machine = start();
    const given = tokenOf(machine, 150_000);
    const kindAt = (monoMs: number, from: Endpoint = HERE) =>
      exchange(machine, question(PING, { token: given }), monoMs, from)[0]?.frame.kind;
    expect(kindAt(150_000, { ...HERE, port: 4001 })).toBe(RETRY);
    expect(kindAt(150_000, { ...HERE, ip: '198.51.100.8' })).toBe(RETRY);
    expect(kindAt(450_000)).toBe(PONG);
    expect(kindAt(599_999)).toBe(PONG);
    expect(kindAt(600_000)).toBe(RETRY);
  });

  test('WIR-152: answers to unproven addresses have a bucket, then it is Retries', () => {
    const machine = start();
    const kinds = Array.from({ length: 25 }, () => exchange(machine, question(PING, { fill: 93 }))[0]?.frame.kind);
    expect(kinds.filter((kind) => kind === PONG).length).toBe(20);
    expect(kinds.filter((kind) => kind === RETRY).length).toBe(5);
  });

  test('WIR-151: a flood with forged addresses leaves proven ones alone', () => {
    const machine = start();
    const token = tokenOf(machine);
    for (let index = 0; index < 500; index++) exchange(machine, question(PING), 0, { ip: `10.${index % 200}.0.1`, port: 1 + index });
    for (let index = 0; index < 50; index++) exchange(machine, question(PING), 0, HERE);
    expect(exchange(machine, question(PING), 0, HERE)).toEqual([]);
    expect(exchange(machine, question(PING, { token }), 0, HERE)[0]?.frame.kind).toBe(PONG);
  });

  test('WIR-153: what is remembered of sources has a bound', () => {
    const machine = start({ 'datagram.addresses_max': '5' });
    for (let index = 0; index < 100; index++) exchange(machine, question(PING), index, { ip: `10.${index}.0.1`, port: 9 });
    expect(machine.view()).toMatchObject({ buckets: { unvouched: 10, vouched: 0 } });
  });

  test('WIR-120: an answer that comes too late, or twice, is none', () => {
    const machine = start();
    const ask = (monoMs: number): DatagramHandle => {
      const found = machine
        .handle({ type: 'datagram', from: HERE, data: question(PING, { fill: 93 }) }, at(monoMs))
        .find((output) => output.type === 'datagramAsked');
      if (found === undefined) throw new Error('asked');
      return found.handle;
    };
    const [first, second] = [ask(0), ask(500)];
    const answer = (handle: DatagramHandle, monoMs: number) =>
      machine.handle({ type: 'answerByDatagram', handle, kind: PONG, body: EMPTY }, at(monoMs)).length;
    expect([answer(first, 1_001), answer(second, 1_001), answer(second, 1_001)]).toEqual([0, 1, 0]);
  });
});

describe('asking', () => {
  const PEER = peerOf(OTHER_SEED);

  function ask(machine: DatagramMachine, monoMs = 0, peer: PeerId | undefined = PEER) {
    const [first] = sent(
      machine.handle({ type: 'askByDatagram', ask: 5 as AskId, to: HERE, peer, kind: PING, body: EMPTY, timeoutMs: 2_000 }, at(monoMs)),
    );
    if (first === undefined) throw new Error('a question is sent');
    return first;
  }

  function reply(cookie: Uint8Array, kind: number, token = NONE, seed = OTHER_SEED): Uint8Array {
    const frame = encodeFrame(kind, 1, EMPTY);
    return encodeDatagram(NETWORK, { cookie, token, frame }, kind === RETRY ? EMPTY : makeProof(NETWORK, seed, cookie, frame));
  }

  const hear = (machine: DatagramMachine, data: Uint8Array, monoMs = 10, from = HERE) =>
    machine.handle({ type: 'datagram', from, data }, at(monoMs));

  test('WIR-108 to WIR-111: only the answer that was asked for counts, and the others end nothing', () => {
    const machine = start();
    const { cookie } = ask(machine);
    const wrong = Uint8Array.from(cookie);
    wrong[0] = (wrong[0] ?? 0) ^ 1;
    const spoilt = reply(cookie, PONG);
    spoilt[spoilt.length - 1] = (spoilt[spoilt.length - 1] ?? 0) ^ 1;
    for (const data of [reply(wrong, PONG), reply(cookie, 72), reply(cookie, PONG, NONE, SEED), spoilt])
      expect(hear(machine, data)).toEqual([]);
    expect(hear(machine, reply(cookie, PONG), 10, { ...HERE, port: 1 })).toEqual([]);
    expect(hear(machine, reply(cookie, PONG))).toMatchObject([{ type: 'answeredByDatagram', ask: 5, peer: PEER, kind: PONG }]);
    expect(hear(machine, reply(cookie, PONG))).toEqual([]);
    expect(machine.deadline()).toBeUndefined();
  });

  test('WIR-141, WIR-142, WIR-144, WIR-145: one Retry is followed, and its token is remembered', () => {
    const machine = start();
    const { cookie, frame } = ask(machine);
    const token = new Uint8Array(8).fill(7);
    const [again] = sent(hear(machine, reply(cookie, RETRY, token)));
    expect(again).toMatchObject({ cookie, token, frame });
    const newer = new Uint8Array(8).fill(8);
    expect(hear(machine, reply(cookie, RETRY, newer))).toEqual([]);
    expect(ask(machine, 300_010).token).toEqual(newer);
    expect(ask(machine, 300_011).token).toEqual(NONE);
  });

  test('WIR-143: a lost question is sent once more, then given up', () => {
    const machine = start();
    ask(machine);
    expect(machine.deadline()).toBe(500);
    expect(sent(machine.handle({ type: 'tick' }, at(500))).length).toBe(1);
    expect(machine.deadline()).toBe(2_000);
    expect(machine.handle({ type: 'tick' }, at(2_000))).toEqual([{ type: 'unanswered', ask: 5, kind: PING }]);
    expect(machine.deadline()).toBeUndefined();
  });

  test('what cannot be sent is unanswered at once', () => {
    const unanswered = [{ type: 'unanswered', ask: 1, kind: PING }];
    const put = (machine: DatagramMachine, to: Endpoint, body: Uint8Array) =>
      machine.handle({ type: 'askByDatagram', ask: 1 as AskId, to, peer: undefined, kind: PING, body, timeoutMs: 100 }, at(0));
    expect(put(start({ 'datagram.mode': 'off' }), HERE, EMPTY)).toEqual(unanswered);
    expect(put(start(), { ...HERE, port: 0 }, EMPTY)).toEqual(unanswered);
    expect(put(start(), HERE, new Uint8Array(1_300))).toEqual(unanswered);
    const full = start({ 'datagram.questions_max': '1' });
    put(full, HERE, EMPTY);
    expect(put(full, HERE, EMPTY)).toEqual(unanswered);
  });

  test('WIR-117: a node without datagrams neither answers nor asks', () => {
    expect(exchange(start({ 'datagram.mode': 'off' }), question(PING))).toEqual([]);
    expect(exchange(start({ 'dht.mode': 'off' }), question(PING))).toEqual([]);
  });
});
