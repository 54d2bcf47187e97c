/** The generators: each gives a node one hostile input after the other. */

import { type EnvelopeFields, encodeEnvelope, readEnvelope } from '../../conformance/model/envelope.ts';
import { encodeFrame, frameNamed } from '../../conformance/model/frame.ts';
import { concatBytes } from '../core/bytes.ts';
import { assertNever } from '../core/errors.ts';
import type { Rng } from '../core/rng.ts';
import { encodePush } from '../core/wire/body.ts';
import type { Arena } from './arena.ts';
import { createDatagramGenerator } from './datagram-generator.ts';
import { BAD_UTF8, mutateFields } from './field-mutation.ts';
import { goodBody, goodFrame, goodRequestId, joinFrames, oddFrame, someRule } from './frames.ts';
import { createHandshakeGenerator } from './handshake-generator.ts';
import { mutateBytes, oneIn, pick, sizeUpTo } from './mutation.ts';
import { createSequenceGenerator } from './sequence-generator.ts';
import { HOSTILE_POINTS, malleate, type StockMessage } from './stock.ts';

/** What the fuzzer can generate. */
export const GENERATOR_NAMES = ['bytes', 'frames', 'bodies', 'sequences', 'handshake', 'objects', 'datagrams'] as const;
export type GeneratorName = (typeof GENERATOR_NAMES)[number];

/** Gives the arena's node at least one hostile input. Throws a SubjectFailure when the node is at fault. */
export type Generate = () => void;

/** A generator for one node. */
export function createGenerator(name: GeneratorName, arena: Arena): Generate {
  switch (name) {
    case 'bytes':
      return () => feedPlaintext(arena, bytesPlaintext);
    case 'frames':
      return () => feedPlaintext(arena, framesPlaintext);
    case 'bodies':
      return () => feedPlaintext(arena, bodyPlaintext);
    case 'objects':
      return () => feedPlaintext(arena, objectPlaintext);
    case 'handshake':
      return createHandshakeGenerator(arena);
    case 'datagrams':
      return createDatagramGenerator(arena);
    case 'sequences':
      return createSequenceGenerator(arena, hostilePlaintext);
    default:
      return assertNever(name);
  }
}

/** Makes what travels on a link with these capabilities. */
export type MakePlaintext = (arena: Arena, capabilities: ReadonlySet<string>) => Uint8Array;

function feedPlaintext(arena: Arena, make: MakePlaintext): void {
  arena.dawdle();
  const link = arena.plainLink();
  arena.feed({ type: 'plaintext', link, data: make(arena, arena.capabilitiesOf(link)) });
}

/** Any of the plaintexts, and one that is in order now and then. */
function hostilePlaintext(arena: Arena, capabilities: ReadonlySet<string>): Uint8Array {
  switch (arena.rng.below(6)) {
    case 0:
      return bytesPlaintext(arena, capabilities);
    case 1:
      return framesPlaintext(arena, capabilities);
    case 2:
      return bodyPlaintext(arena, capabilities);
    case 3:
      return objectPlaintext(arena, capabilities);
    default:
      return goodFrame(arena.rng, arena.stock, capabilities);
  }
}

/** Bytes of chance, or a plaintext that was in order before its bytes were changed. */
export function bytesPlaintext({ rng, stock }: Arena, capabilities: ReadonlySet<string>): Uint8Array {
  if (oneIn(rng, 40)) return new Uint8Array(rng.below(2) * (65_519 + rng.below(2)));
  if (oneIn(rng, 3)) return rng.bytes(sizeUpTo(rng, oneIn(rng, 40) ? 65_519 : 600));
  const frames = Array.from({ length: 1 + rng.below(3) }, () => goodFrame(rng, stock, capabilities));
  return mutateBytes(rng, joinFrames(frames));
}

/** Frames with odd headers, alone or behind frames that are in order. */
export function framesPlaintext({ rng, stock }: Arena, capabilities: ReadonlySet<string>): Uint8Array {
  if (oneIn(rng, 60)) {
    // As many frames of the shortest kind as a plaintext holds.
    return joinFrames(Array.from({ length: 1 + sizeUpTo(rng, 21_838) }, () => Uint8Array.of(2, pick(rng, [33, 33, 35, 99]), 0)));
  }
  const before = oneIn(rng, 3) ? Array.from({ length: rng.below(4) }, () => goodFrame(rng, stock, capabilities)) : [];
  const plaintext = joinFrames([...before, oddFrame(rng, stock, capabilities)]);
  return oneIn(rng, 8) ? concatBytes(plaintext, rng.bytes(rng.below(4))) : plaintext;
}

/** A frame whose header is in order around a body that is not; seldom longer than its kind allows, as that ends the look at it. */
export function bodyPlaintext({ rng, stock }: Arena, capabilities: ReadonlySet<string>): Uint8Array {
  const rule = someRule(rng, capabilities);
  const bytesMax = oneIn(rng, 20) ? 65_500 : rule.lengthMax - 2;
  const body = mutateFields(rng, goodBody(rng, stock, rule), bytesMax);
  return joinFrames([encodeFrame(rule.kind, goodRequestId(rng, rule), body)]);
}

/** A Push or Direct of envelopes that are wrong in bytes, fields, keys or signatures, among such as are in order. */
export function objectPlaintext({ rng, stock }: Arena, capabilities: ReadonlySet<string>): Uint8Array {
  const message = pick(rng, stock.messages);
  const envelopes = Array.from({ length: 1 + rng.below(3) }, () => hostileEnvelope(rng, message, pick(rng, stock.messages)));
  if (oneIn(rng, 3)) envelopes.push(message.envelope);
  const topic = oneIn(rng, 8) ? pick(rng, ['app/other', 'tx', 'app/UPPER', '', 'x'.repeat(65)]) : message.topic;
  if (capabilities.has('direct/1')) {
    const { kind } = frameNamed('Direct');
    const fields = envelopes.map((envelope) => concatBytes(Uint8Array.of(0x12), lengthOf(envelope), envelope));
    const text = Uint8Array.from(Buffer.from(topic));
    return joinFrames([encodeFrame(kind, 0, concatBytes(Uint8Array.of(0x0a), lengthOf(text), text, ...fields))]);
  }
  const items = envelopes.map((envelope) => ({ hops: rng.below(40), envelope }));
  return joinFrames([encodeFrame(frameNamed('Push').kind, 0, encodePush({ topic, items }))]);
}

function lengthOf(bytes: Uint8Array): Uint8Array {
  return bytes.length < 128
    ? Uint8Array.of(bytes.length)
    : Uint8Array.of(
        (bytes.length & 0x7f) | 0x80,
        ...(bytes.length < 16_384 ? [bytes.length >> 7] : [((bytes.length >> 7) & 0x7f) | 0x80, bytes.length >> 14]),
      );
}

/** One message's envelope gone wrong; `other` lends parts. */
function hostileEnvelope(rng: Rng, message: StockMessage, other: StockMessage): Uint8Array {
  const { envelope } = message;
  const fields = readEnvelope(envelope);
  const others = readEnvelope(other.envelope);
  if (fields === undefined || others === undefined) return envelope;
  const change = (changes: Partial<EnvelopeFields>): Uint8Array => encodeEnvelope({ ...fields, ...changes });
  switch (rng.below(14)) {
    case 0:
    case 1:
      return mutateBytes(rng, envelope);
    case 2:
    case 3:
      return mutateFields(rng, envelope, 33_000);
    case 4:
      return change({ payload: mutateBytes(rng, fields.payload) });
    case 5:
      return change({ payload: mutateFields(rng, fields.payload, 33_000) });
    case 6:
      return change({ publicKey: pick(rng, HOSTILE_POINTS) });
    case 7:
      return change({ signature: concatBytes(pick(rng, HOSTILE_POINTS), fields.signature.subarray(32)) });
    case 8:
      return change({ signature: malleate(fields.signature) });
    case 9:
      return change({ publicKey: pick(rng, HOSTILE_POINTS), signature: concatBytes(pick(rng, HOSTILE_POINTS), new Uint8Array(32)) });
    case 10:
      return change({ signature: mutateBytes(rng, fields.signature), keyType: pick(rng, [0, 1, 1, 1, 2, 255, 256, 2 ** 32 - 1]) });
    case 11:
      return change({ publicKey: others.publicKey, signature: others.signature });
    case 12:
      return change({
        context: pick(rng, ['', 'handshake', 'APP', 'a'.repeat(64), 'a'.repeat(65), String.fromCharCode(0, 0x7ff, 0xffff)]),
      });
    default:
      return concatBytes(Uint8Array.of(0x0a), lengthOf(pick(rng, BAD_UTF8)), pick(rng, BAD_UTF8), envelope);
  }
}
