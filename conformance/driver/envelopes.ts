/** Envelopes of a plan: made once by name, spoiled on demand. */
import { concat, hex, readLe, sha256, unhex, utf8, writeLe } from '../model/bytes.ts';
import { L, signAgain } from '../model/ed25519.ts';
import {
  type EnvelopeFields,
  encodeEnvelope,
  envelopeId,
  judgeEnvelope,
  judgeUnsigned,
  makeAppPayload,
  makeEnvelope,
  readAppPayload,
  readEnvelope,
  signingBytes,
} from '../model/envelope.ts';
import { sign } from '../model/quick.ts';
import { PAYLOADS } from '../model/schemas.ts';
import { encodeUvarint } from '../model/uvarint.ts';
import { HarnessError } from './errors.ts';
import type { Identities, Identity } from './identities.ts';
import type { EnvelopeDefect, EnvelopeSpec, Hex, Label, SealedSpec } from './plan.ts';

/** The envelopes of one plan run. */
export interface EnvelopeStore {
  /** Bytes of a spec; `wallMs` is the node's wall clock, which ages count from. Throws `HarnessError` for a spec that means nothing. */
  bytesOf(spec: EnvelopeSpec, wallMs: number): Uint8Array;
  /** Bytes of a sealed spec; `makePayload` is asked for the first one of its name. Throws `HarnessError` when what it makes is not in order and does not say so. */
  sealed(spec: SealedSpec, makePayload: () => Uint8Array): Uint8Array;
  /** Its id, 32 bytes: of the copy without the defect. */
  idOfSealed(spec: SealedSpec, makePayload: () => Uint8Array): Uint8Array;
  /** Id of the message that a spec names, 32 bytes: of the copy without the defect. */
  idOf(spec: EnvelopeSpec, wallMs: number): Uint8Array;
  /** The name in the plan of bytes that this store made, by their SHA-256 in hexadecimal. */
  nameOf(hash: Hex): string | undefined;
}

interface Named {
  readonly context: string;
  readonly origin: Identity;
  readonly payload: Uint8Array;
  readonly bytes: Uint8Array;
}

const CONTEXT = 'app';

/** An empty store for a network. */
export function createEnvelopeStore(networkId: Uint8Array, identities: Identities): EnvelopeStore {
  const byName = new Map<string, Named>();
  const names = new Map<Hex, string>();
  /** Origins whose signing has been checked by the model's slow predicate. */
  const checkedOrigins = new Set<Label>();

  const make = (spec: EnvelopeSpec, wallMs: number): Named => {
    const origin = identities.of(spec.origin);
    const createdMs = Math.trunc(wallMs - spec.ageMs);
    if (createdMs < 0) throw new HarnessError(`envelope "${spec.name}" would be created before 1970`);
    const payload = makeAppPayload({ createdMs, topic: spec.topic, sequence: spec.sequence, data: literalBytes(spec.data) });
    const bytes = makeEnvelope(networkId, CONTEXT, origin.seed, payload);
    const judged = checkedOrigins.has(spec.origin) ? judgeUnsigned(CONTEXT, bytes) : judgeEnvelope(networkId, CONTEXT, bytes);
    if (judged.verdict !== 'accept')
      throw new HarnessError(`the kit's own envelope "${spec.name}" is not in order: ${judged.code} ${judged.clause}`);
    checkedOrigins.add(spec.origin);
    return { context: CONTEXT, origin, payload, bytes };
  };

  const named = (spec: EnvelopeSpec, wallMs: number): Named => {
    const known = byName.get(spec.name);
    if (known !== undefined && known.context !== CONTEXT) throw new HarnessError(`two envelopes are called "${spec.name}"`);
    if (known !== undefined) return known;
    const made = make(spec, wallMs);
    byName.set(spec.name, made);
    names.set(hex(sha256(made.bytes)), spec.name);
    return made;
  };

  const seal = (spec: SealedSpec, makePayload: () => Uint8Array): Named => {
    const known = byName.get(spec.name);
    if (known !== undefined) {
      if (known.context !== spec.context)
        throw new HarnessError(`two envelopes are called "${spec.name}", of ${known.context} and ${spec.context}`);
      return known;
    }
    const origin = identities.of(spec.by);
    const payload = makePayload();
    const bytes = makeEnvelope(networkId, spec.context, origin.seed, payload);
    // What is signed for a context that it does not belong to is not in order, and meant so.
    const isAtHome = PAYLOADS.get(spec.context) === spec.message && spec.faulty !== true && !('version' in spec.fields);
    const { verdict, code, clause } = judgeUnsigned(spec.context, bytes);
    if (isAtHome && verdict !== 'accept')
      throw new HarnessError(`the kit's own envelope "${spec.name}" is not in order: ${code} ${clause}`);
    const made = { context: spec.context, origin, payload, bytes };
    byName.set(spec.name, made);
    names.set(hex(sha256(bytes)), spec.name);
    return made;
  };

  const spoilt = (good: Named, { defect, name }: Pick<EnvelopeSpec, 'defect' | 'name'>): Uint8Array => {
    if (defect === undefined) return good.bytes;
    const bytes = spoil(good, defect, networkId);
    names.set(hex(sha256(bytes)), name);
    return bytes;
  };

  return {
    bytesOf: (spec, wallMs) => spoilt(named(spec, wallMs), spec),
    sealed: (spec, makePayload) => spoilt(seal(spec, makePayload), spec),
    idOfSealed: (spec, makePayload) => {
      const { context, origin, payload } = seal(spec, makePayload);
      return envelopeId(networkId, context, 1, origin.publicKey, payload);
    },
    idOf: (spec, wallMs) => {
      const { origin, payload } = named(spec, wallMs);
      return envelopeId(networkId, CONTEXT, 1, origin.publicKey, payload);
    },
    nameOf: (hash) => names.get(hash),
  };
}

/** Literal bytes, or that many bytes of 0x61. */
export function literalBytes(data: Hex | { readonly size: number }): Uint8Array {
  return typeof data === 'string' ? unhex(data) : new Uint8Array(data.size).fill(0x61);
}

function spoil(good: Named, defect: EnvelopeDefect, networkId: Uint8Array): Uint8Array {
  const { context, origin, payload } = good;
  const fields = readEnvelope(good.bytes);
  if (fields === undefined) throw new HarnessError('an envelope that the kit made cannot be read');
  const signed = (newPayload: Uint8Array): Uint8Array => makeEnvelope(networkId, context, origin.seed, newPayload);
  const changed = (change: Partial<EnvelopeFields>): Uint8Array => encodeEnvelope({ ...fields, ...change });
  switch (defect.kind) {
    case 'signature':
      return changed({ signature: flipLast(fields.signature) });
    case 'malleatedS':
      return changed({ signature: malleate(fields.signature) });
    case 'resigned':
      return changed({ signature: signAgain(origin.seed, signingBytes(networkId, context, payload)) });
    case 'smallOrderKey':
      // The identity element as key and as R with S = 0: both sides of every equation are the identity.
      return changed({ publicKey: IDENTITY_POINT, signature: concat(IDENTITY_POINT, new Uint8Array(32)) });
    case 'context':
      return makeEnvelope(networkId, defect.context, origin.seed, payload);
    case 'network':
      return changed({ signature: sign(origin.seed, signingBytes(utf8(defect.networkId), context, payload)) });
    case 'keyType':
      return changed({ keyType: defect.keyType });
    case 'version':
      // The payload of version 1 begins with 08 01.
      return signed(concat(Uint8Array.of(0x08), encodeUvarint(defect.version), payload.subarray(2)));
    case 'payloadTopic':
      return signed(withTopic(payload, defect.topic));
    case 'payloadTrailing':
      return signed(concat(payload, unhex(defect.bytes)));
    case 'payloadBytes':
      return signed(unhex(defect.bytes));
    case 'envelopeTrailing':
      return concat(good.bytes, unhex(defect.bytes));
    case 'envelopeBytes':
      return unhex(defect.bytes);
  }
}

function withTopic(payload: Uint8Array, topic: string): Uint8Array {
  const fields = readAppPayload(payload);
  if (fields === undefined) throw new HarnessError('the defect payloadTopic is for application messages');
  return makeAppPayload({ ...fields, topic });
}

const IDENTITY_POINT = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0));

/** The last byte with its lowest bit flipped. */
export function flipLast(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  const last = copy.length - 1;
  copy[last] = (copy[last] ?? 0) ^ 1;
  return copy;
}

/** The signature with L added to S: the same point equation, another text. Below 2^256 for every S below L. */
function malleate(signature: Uint8Array): Uint8Array {
  return concat(signature.subarray(0, 32), writeLe(readLe(signature.subarray(32)) + L, 32));
}
