/** Worked examples of chapters 02 to 05 in bytes, all computed by the model from the same few inputs. */
import { encodeBody } from '../conformance/model/bodies.ts';
import { concat, equal, u8, unhex, utf8 } from '../conformance/model/bytes.ts';
import { publicKey, sign } from '../conformance/model/ed25519.ts';
import { encodeEnvelope, envelopeId, makeAppPayload, makeEnvelope, readEnvelope, signingBytes } from '../conformance/model/envelope.ts';
import { encodeFrame, frameNamed, splitPlaintext } from '../conformance/model/frame.ts';
import { makeHello } from '../conformance/model/hello.ts';
import { noisePrologue, runXx, x25519PublicKey } from '../conformance/model/noise.ts';
import { formatPeerId, peerId } from '../conformance/model/peer-id.ts';
import { dissect, fence, field, sizeText } from './spec-example-form.ts';

/** The network of every example. */
export const NETWORK: Uint8Array = utf8('example');

const KEY_TYPE = 1;

interface Person {
  readonly seed: Uint8Array;
  readonly key: Uint8Array;
  readonly id: Uint8Array;
}

function person(byte: number): Person {
  const seed = new Uint8Array(32).fill(byte);
  const key = publicKey(seed);
  return { seed, key, id: peerId(KEY_TYPE, key) };
}

/** Origin of the example message, and initiator of the example handshake. */
export const ALICE: Person = person(1);
export const BOB: Person = person(2);

const ALICE_STATIC = new Uint8Array(32).fill(0x11);
const ALICE_EPHEMERAL = new Uint8Array(32).fill(0x12);
const BOB_STATIC = new Uint8Array(32).fill(0x21);
const BOB_EPHEMERAL = new Uint8Array(32).fill(0x22);

export const CREATED_MS = 1_700_000_000_000n;
export const TOPIC = 'app/chat';
const DATA = 'hello';
const NONCE = unhex('0011223344556677');

/** The payload of the example message. */
export const PAYLOAD: Uint8Array = makeAppPayload({ createdMs: CREATED_MS, topic: TOPIC, sequence: 7n, data: utf8(DATA) });

/** The example message, sealed by Alice. */
export const MESSAGE: Uint8Array = makeEnvelope(NETWORK, 'app', ALICE.seed, PAYLOAD);

const MESSAGE_ID = envelopeId(NETWORK, 'app', KEY_TYPE, ALICE.key, PAYLOAD);

function frame(name: string, requestId: number, body: Uint8Array): Uint8Array {
  return encodeFrame(frameNamed(name).kind, requestId, body);
}

const PING_BODY = encodeBody('Ping', { nonce: NONCE });
const PING = frame('Ping', 1, PING_BODY);
const PONG = frame('Pong', 1, PING_BODY);
const PUSH_BODY = encodeBody('Push', { topic: TOPIC, items: [{ hops: 0, envelope: MESSAGE }] });

const NOTHING = new Uint8Array();

export function peerIdExample(): string {
  const { seed, key, id } = ALICE;
  return fence(
    field('secret seed', seed),
    field('public key', key),
    dissect('hashed', concat(utf8('carillon/v1/peer-id'), u8(0), u8(KEY_TYPE), key), [
      [19, '"carillon/v1/peer-id"'],
      [1, '0x00'],
      [1, 'key type 1, Ed25519'],
      [32, 'public key'],
    ]),
    field('PeerId', id),
    field('as text', formatPeerId(id)),
  );
}

export function envelopeExample(): string {
  const signed = signingBytes(NETWORK, 'app', PAYLOAD);
  const signature = sign(ALICE.seed, signed);
  const envelope = readEnvelope(MESSAGE);
  if (envelope === undefined || !equal(envelope.signature, signature) || !equal(encodeEnvelope(envelope), MESSAGE)) {
    throw new Error('the envelope does not hold what it was made of');
  }
  return fence(
    field('network id', NETWORK, '"example"'),
    field("Alice's secret seed", ALICE.seed),
    '',
    dissect('AppPayload', PAYLOAD, [
      [2, 'field 1, version: 1'],
      [7, 'field 2, created_ms: 1,700,000,000,000'],
      [2, 'field 3, topic: 8 bytes'],
      [8, '"app/chat"'],
      [2, 'field 4, sequence: 7'],
      [2, 'field 5, data: 5 bytes'],
      [5, '"hello"'],
    ]),
    '',
    dissect('signing bytes', signed, [
      [11, '"carillon/v1"'],
      [1, '0x00'],
      [8, 'lp(network id)'],
      [4, 'lp("app")'],
      ['rest', 'lp(payload)'],
    ]),
    '',
    field('signature', signature),
    '',
    dissect('Envelope', MESSAGE, [
      [2, 'field 1, context: 3 bytes'],
      [3, '"app"'],
      [2, 'field 2, key_type: 1'],
      [2, 'field 3, public_key: 32 bytes'],
      [32, "Alice's public key"],
      [2, `field 4, payload: ${sizeText(PAYLOAD.length)}`],
      [PAYLOAD.length, 'the payload above'],
      [2, 'field 5, signature: 64 bytes'],
      [64, 'the signature above'],
    ]),
    '',
    dissect(
      'hashed for the id',
      concat(utf8('carillon/v1/id'), u8(0), signed.slice(12, 24), u8(KEY_TYPE), u8(32), ALICE.key, signed.slice(24)),
      [
        [14, '"carillon/v1/id"'],
        [1, '0x00'],
        [8, 'lp(network id)'],
        [4, 'lp("app")'],
        [1, 'key type'],
        [1, 'length of the public key'],
        [32, 'public key'],
        ['rest', 'lp(payload)'],
      ],
    ),
    field('id', MESSAGE_ID),
  );
}

const FRAME_HEAD: readonly (readonly [number, string])[] = [[1, 'length of what follows']];

export function pingPongExample(): string {
  return fence(
    dissect('Ping', PING, [...FRAME_HEAD, [1, 'kind 2'], [1, 'request id 1'], [2, 'field 1, nonce: 8 bytes'], [8, 'the nonce']]),
    dissect('Pong', PONG, [
      ...FRAME_HEAD,
      [1, 'kind 4'],
      [1, 'request id 1, that of the Ping'],
      [2, 'field 1, nonce: 8 bytes'],
      [8, 'the nonce'],
    ]),
  );
}

export function twoFramesExample(): string {
  const iwant = frame('Iwant', 0, encodeBody('Iwant', { ids: [MESSAGE_ID] }));
  const plaintext = concat(PONG, iwant);
  const { frames, error } = splitPlaintext(plaintext);
  if (frames.length !== 2 || error !== undefined) throw new Error('the plaintext does not hold two frames');
  return fence(
    dissect('plaintext', plaintext, [
      [PONG.length, 'first frame: the Pong above'],
      [1, 'second frame: length of what follows'],
      [1, 'kind 42, Iwant'],
      [1, 'request id 0, a notice'],
      [2, 'field 1, ids: 32 bytes'],
      [32, 'id of the message of chapter 02'],
    ]),
  );
}

export function handshakeExample(): string {
  const prologue = noisePrologue(NETWORK);
  const helloOf = (side: 'initiator' | 'responder', secret: Uint8Array): Uint8Array =>
    makeHello({ staticKey: x25519PublicKey(secret), side, capabilities: ['direct/1', 'gossip/1'], roles: 1 });
  const [aliceHello, bobHello] = [helloOf('initiator', ALICE_STATIC), helloOf('responder', BOB_STATIC)];
  const aliceEnvelope = makeEnvelope(NETWORK, 'handshake', ALICE.seed, aliceHello);
  const bobEnvelope = makeEnvelope(NETWORK, 'handshake', BOB.seed, bobHello);
  const { handshakeHash, messages } = runXx(
    prologue,
    { staticSecret: ALICE_STATIC, ephemeralSecret: ALICE_EPHEMERAL },
    { staticSecret: BOB_STATIC, ephemeralSecret: BOB_EPHEMERAL },
    [NOTHING, bobEnvelope, aliceEnvelope, PONG, PING],
  );
  const [first = NOTHING, second = NOTHING, third = NOTHING, fourth = NOTHING, fifth = NOTHING] = messages;
  return fence(
    field('prologue', prologue),
    field('Alice, secret seed', ALICE.seed),
    field('Alice, static', ALICE_STATIC, 'X25519 secret'),
    field('  its public key', x25519PublicKey(ALICE_STATIC)),
    field('Alice, ephemeral', ALICE_EPHEMERAL, 'X25519 secret'),
    field('Bob, secret seed', BOB.seed),
    field('Bob, static', BOB_STATIC, 'X25519 secret'),
    field('  its public key', x25519PublicKey(BOB_STATIC)),
    field('Bob, ephemeral', BOB_EPHEMERAL, 'X25519 secret'),
    '',
    dissect("Bob's HandshakeHello", bobHello, [
      [2, 'field 1, version: 1'],
      [2, 'field 2, static_key: 32 bytes'],
      [32, "Bob's static key"],
      [2, 'field 3, side: 2, responder'],
      [0, 'fields 4 and 5, minor_min and minor_max: 0'],
      [10, 'field 6, capabilities: "direct/1"'],
      [10, 'field 6, capabilities: "gossip/1"'],
      [2, 'field 7, roles: 1, app'],
    ]),
    field("Bob's envelope", bobEnvelope),
    field("Alice's HandshakeHello", aliceHello),
    field("Alice's envelope", aliceEnvelope),
    '',
    dissect('message 1, from Alice', first, [[32, 'e: her ephemeral key']]),
    dissect('message 2, from Bob', second, [
      [32, 'e: his ephemeral key'],
      [48, 's: his static key, sealed'],
      ['rest', 'payload: his envelope, sealed'],
    ]),
    dissect('message 3, from Alice', third, [
      [48, 's: her static key, sealed'],
      ['rest', 'payload: her envelope, sealed'],
    ]),
    field('handshake hash', handshakeHash),
    '',
    dissect('first message of Bob', fourth, [['rest', 'the Pong of chapter 03, sealed']]),
    dissect('first message of Alice', fifth, [['rest', 'the Ping of chapter 03, sealed']]),
  );
}

export function pushExample(): string {
  const push = frame('Push', 0, PUSH_BODY);
  const item = MESSAGE.length + 3;
  return fence(
    dissect('Push', push, [
      [2, `length of what follows: ${push.length - 2}`],
      [1, 'kind 32'],
      [1, 'request id 0, a notice'],
      [2, 'field 1, topic: 8 bytes'],
      [8, '"app/chat"'],
      [3, `field 2, items: ${sizeText(item)}`],
      [0, '  field 1 of the item, hops: 0'],
      [3, `  field 2 of the item, envelope: ${sizeText(MESSAGE.length)}`],
      [MESSAGE.length, '    the envelope of chapter 02'],
    ]),
  );
}

export function pruneExample(): string {
  const body = encodeBody('Prune', { origins: [ALICE.id, new Uint8Array(32)], backoffMs: 60_000 });
  return fence(
    dissect('Prune', frame('Prune', 0, body), [
      ...FRAME_HEAD,
      [1, 'kind 36'],
      [1, 'request id 0, a notice'],
      [2, 'field 1, origins: 32 bytes'],
      [32, "Alice's PeerId, if she has stake"],
      [2, 'field 1, origins: 32 bytes'],
      [32, 'every origin without stake'],
      [4, 'field 2, backoff_ms: 60,000'],
    ]),
  );
}

export function inventoryExample(): string {
  return fence(
    dissect('Ihave', frame('Ihave', 0, encodeBody('Ihave', { topic: TOPIC, ids: [MESSAGE_ID] })), [
      ...FRAME_HEAD,
      [1, 'kind 40'],
      [1, 'request id 0, a notice'],
      [2, 'field 1, topic: 8 bytes'],
      [8, '"app/chat"'],
      [2, 'field 2, ids: 32 bytes'],
      [32, 'id of the message of chapter 02'],
    ]),
  );
}
