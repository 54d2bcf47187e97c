import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { concatBytes, encodeUtf8, fromHex, toHex } from '../bytes.ts';
import { portableCrypto } from '../crypto/portable.ts';
import { CipherState, createHandshake, type Handshake, type HandshakeOptions, NOISE_MESSAGE_BYTES_MAX } from './noise.ts';
import { type NoisePattern, patternMessages } from './noise-pattern.ts';

const hex = (text: string): Uint8Array => fromHex(text) ?? new Uint8Array(0);

interface Vector {
  readonly protocol_name: string;
  readonly init_prologue: string;
  readonly init_ephemeral: string;
  readonly init_static?: string;
  readonly init_remote_static?: string;
  readonly init_psks?: readonly string[];
  readonly resp_prologue: string;
  readonly resp_ephemeral?: string;
  readonly resp_static?: string;
  readonly resp_remote_static?: string;
  readonly resp_psks?: readonly string[];
  readonly handshake_hash?: string;
  readonly messages: readonly { readonly payload: string; readonly ciphertext: string }[];
}

function readVectors(name: string): readonly Vector[] {
  const text = readFileSync(new URL(`../../../vectors/external/noise/${name}.json`, import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly vectors: readonly Vector[] }).vectors;
}

const vectors = ['cacophony', 'snow'].flatMap((source) =>
  readVectors(`${source}-25519-chachapoly-sha256`).map((vector) => [source, vector.protocol_name, vector] as const),
);

function sideOf(vector: Vector, initiator: boolean): Handshake {
  const pattern = vector.protocol_name.split('_')[1] as NoisePattern;
  const side = initiator ? 'init' : 'resp';
  const staticSecret = vector[`${side}_static`];
  const remoteStatic = vector[`${side}_remote_static`];
  const options: HandshakeOptions = {
    crypto: portableCrypto,
    initiator,
    pattern,
    prologue: hex(vector[`${side}_prologue`]),
    // The responder of a one-way pattern has no ephemeral key.
    ephemeralSecret: hex(vector[`${side}_ephemeral`] ?? ''),
    preSharedKeys: (vector[`${side}_psks`] ?? []).map(hex),
    ...(staticSecret === undefined ? {} : { staticSecret: hex(staticSecret) }),
    ...(remoteStatic === undefined ? {} : { remoteStatic: hex(remoteStatic) }),
  };
  return createHandshake(options);
}

function write(side: Handshake, payload: Uint8Array): Uint8Array {
  const message = side.writeMessage(payload);
  if ('error' in message) throw new Error(message.error);
  return message;
}

function pair(more: Partial<HandshakeOptions> = {}, responder: Partial<HandshakeOptions> = {}): readonly [Handshake, Handshake] {
  const make = (initiator: boolean, fill: number): Handshake =>
    createHandshake({
      crypto: portableCrypto,
      initiator,
      prologue: encodeUtf8('p'),
      staticSecret: new Uint8Array(32).fill(fill),
      ephemeralSecret: new Uint8Array(32).fill(fill + 1),
      ...(initiator ? more : responder),
    });
  return [make(true, 1), make(false, 3)];
}

const EMPTY = new Uint8Array(0);

describe('SES-001: published Noise vectors', () => {
  test('there are 14 of one source and 5 of the other', () => {
    expect(vectors.length).toBe(19);
  });

  test.each(vectors)('%s %s', (_source, _name, vector) => {
    const sides = [sideOf(vector, true), sideOf(vector, false)] as const;
    const count = patternMessages(vector.protocol_name.split('_')[1] as NoisePattern).length;
    for (const [turn, entry] of vector.messages.slice(0, count).entries()) {
      const [from, to] = turn % 2 === 0 ? sides : [sides[1], sides[0]];
      expect(toHex(write(from, hex(entry.payload)))).toBe(entry.ciphertext);
      expect(to.readMessage(hex(entry.ciphertext))).toEqual(hex(entry.payload));
    }
    if (vector.handshake_hash !== undefined) {
      expect(sides.map((side) => toHex(side.hash))).toEqual([vector.handshake_hash, vector.handshake_hash]);
    }
    // Transport messages go on alternating; those of a one-way pattern all come from the initiator.
    const [dialler, listener] = [sides[0].split(), sides[1].split()];
    for (const [index, entry] of vector.messages.slice(count).entries()) {
      const fromInitiator = count === 1 || (index + count) % 2 === 0;
      const [from, to] = fromInitiator ? [dialler, listener] : [listener, dialler];
      expect(toHex(from.send.seal(hex(entry.payload)) ?? EMPTY)).toBe(entry.ciphertext);
      expect(to.receive.open(hex(entry.ciphertext))).toEqual(hex(entry.payload));
    }
  });
});

describe('the handshake of a session', () => {
  test('SES-002: message 1 is 32 bytes; static keys are known where the pattern sends them', () => {
    const [dialler, listener] = pair();
    const first = write(dialler, EMPTY);
    expect(first.length).toBe(32);
    expect(listener.readMessage(first)).toEqual(EMPTY);
    expect(dialler.remoteStatic).toBeUndefined();
    expect(dialler.readMessage(write(listener, encodeUtf8('two')))).toEqual(encodeUtf8('two'));
    expect(dialler.remoteStatic).toEqual(portableCrypto.x25519PublicKey(new Uint8Array(32).fill(3)));
    expect([dialler.complete, listener.complete]).toEqual([false, false]);
    expect(listener.readMessage(write(dialler, encodeUtf8('three')))).toEqual(encodeUtf8('three'));
    expect(listener.remoteStatic).toEqual(portableCrypto.x25519PublicKey(new Uint8Array(32).fill(1)));
    expect([dialler.complete, listener.complete]).toEqual([true, true]);
    expect(dialler.hash).toEqual(listener.hash);
  });

  test('SES-013: another prologue shows in message 2', () => {
    const [dialler, listener] = pair({ prologue: encodeUtf8('q') });
    expect(listener.readMessage(write(dialler, EMPTY))).toEqual(EMPTY);
    expect(dialler.readMessage(write(listener, EMPTY))).toEqual({ error: 'E_HANDSHAKE' });
  });

  test('SES-006: a message that is cut or changed anywhere ends the handshake for good', () => {
    const [probe, answering] = pair();
    answering.readMessage(write(probe, EMPTY));
    const second = write(answering, encodeUtf8('payload'));
    for (let index = 0; index < second.length; index += 5) {
      for (const change of ['cut', 'flip'] as const) {
        const [dialler] = pair();
        write(dialler, EMPTY);
        const message = change === 'cut' ? second.slice(0, index) : Uint8Array.from(second);
        if (change === 'flip') message[index] = (message[index] ?? 0) ^ 1;
        expect(dialler.readMessage(message), `${change} at ${index}`).toEqual({ error: 'E_HANDSHAKE' });
        expect(dialler.readMessage(second)).toEqual({ error: 'E_HANDSHAKE' });
        expect(dialler.writeMessage(EMPTY)).toEqual({ error: 'E_HANDSHAKE' });
        expect(dialler.complete).toBe(false);
      }
    }
  });

  test('SES-003: a message 1 that is too short is refused here, a longer one has a payload', () => {
    for (const size of [0, 1, 31]) expect(pair()[1].readMessage(new Uint8Array(size).fill(9))).toEqual({ error: 'E_HANDSHAKE' });
    expect(pair()[1].readMessage(new Uint8Array(33).fill(9))).toEqual(Uint8Array.of(9));
  });

  test('SES-005: a key of small order as ephemeral or static key gives a zero result', () => {
    const zeroKey = new Uint8Array(32);
    const [, listener] = pair();
    expect(listener.readMessage(zeroKey)).toEqual(EMPTY);
    expect(listener.writeMessage(EMPTY)).toEqual({ error: 'E_ZERO_SECRET' });

    const [dialler] = pair();
    write(dialler, EMPTY);
    const order8 = hex('e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800');
    expect(dialler.readMessage(concatBytes(order8, new Uint8Array(64)))).toEqual({ error: 'E_ZERO_SECRET' });

    // A responder whose static public key is zero, sealed as it should be.
    const lying = {
      ...portableCrypto,
      x25519PublicKey: (secret: Uint8Array) => (secret[0] === 3 ? zeroKey : portableCrypto.x25519PublicKey(secret)),
    };
    const [victim, liar] = pair({}, { crypto: lying });
    liar.readMessage(write(victim, EMPTY));
    expect(victim.readMessage(write(liar, EMPTY))).toEqual({ error: 'E_ZERO_SECRET' });
  });

  test('speaking out of turn, splitting too early and a missing key are bugs of the caller', () => {
    const [dialler, listener] = pair();
    expect(() => dialler.readMessage(new Uint8Array(32))).toThrow('alternate');
    expect(() => listener.writeMessage(EMPTY)).toThrow('alternate');
    expect(() => pair()[0].split()).toThrow('complete');
    expect(() => pair({ pattern: 'IK' })).toThrow('static key of the peer');
    expect(() => write(pair({ pattern: 'NNpsk0' })[0], EMPTY)).toThrow('pre-shared');
    expect(() => write(pair()[0], new Uint8Array(NOISE_MESSAGE_BYTES_MAX))).toThrow('one Noise message');
  });
});

describe('transport', () => {
  function transport(): { readonly send: CipherState; readonly receive: CipherState } {
    const [dialler, listener] = pair();
    listener.readMessage(write(dialler, EMPTY));
    dialler.readMessage(write(listener, EMPTY));
    listener.readMessage(write(dialler, EMPTY));
    return { send: dialler.split().send, receive: listener.split().receive };
  }

  test('SES-030: repeated, reordered, altered and foreign messages do not open, and a failure uses no nonce', () => {
    const { send, receive } = transport();
    const [one, two] = [send.seal(encodeUtf8('1')) ?? EMPTY, send.seal(encodeUtf8('2')) ?? EMPTY];
    expect(receive.open(two)).toBeUndefined();
    expect(receive.open(one)).toEqual(encodeUtf8('1'));
    expect(receive.open(one)).toBeUndefined();
    const altered = Uint8Array.from(two);
    altered[0] = (altered[0] ?? 0) ^ 0x80;
    expect(receive.open(altered)).toBeUndefined();
    expect(receive.open(EMPTY)).toBeUndefined();
    expect(receive.open(new Uint8Array(16))).toBeUndefined();
    expect(receive.open(two)).toEqual(encodeUtf8('2'));
  });

  test('SES-031: the nonce 2^64 − 1 is never used', () => {
    const key = new Uint8Array(32).fill(8);
    const sender = new CipherState(portableCrypto, key, 2n ** 64n - 3n);
    const receiver = new CipherState(portableCrypto, key, 2n ** 64n - 3n);
    for (let count = 0; count < 2; count++) {
      expect([sender.exhausted, receiver.exhausted]).toEqual([false, false]);
      expect(receiver.open(sender.seal(encodeUtf8('last')) ?? EMPTY)).toEqual(encodeUtf8('last'));
    }
    expect([sender.exhausted, receiver.exhausted]).toEqual([true, true]);
    expect(sender.seal(EMPTY)).toBeUndefined();
    expect(receiver.open(new Uint8Array(16))).toBeUndefined();
  });
});
