/**
 * Nodes that lie to whoever looks something up: they name each other and nobody else, and provide
 * whatever is looked for. In all other things they are nodes like others, so that tables take them in.
 */
import { create } from '@bufbuild/protobuf';
import { ProviderRecordSchema } from '../../proto/gen/carillon/v1/dht_pb.ts';
import { compareDistance } from '../core/dht/distance.ts';
import type { NodeEffect, NodeInput } from '../core/machine.ts';
import type { Endpoint, KnownContact, Now } from '../core/types.ts';
import { idBytes } from '../core/wire/body.ts';
import { COOKIE_BYTES, encodeDatagram, makeProof, NO_TOKEN, TAG_BYTES, TOKEN_BYTES } from '../core/wire/datagram.ts';
import { decodeFindNode, decodeGetProviders, encodeContacts, encodeProviders } from '../core/wire/dht-body.ts';
import { PAYLOAD_VERSION, sealEnvelope } from '../core/wire/envelope.ts';
import {
  encodeFrame,
  KIND_FIND_NODE,
  KIND_FIND_NODE_REPLY,
  KIND_GET_PROVIDERS,
  KIND_GET_PROVIDERS_REPLY,
  readFrame,
} from '../core/wire/frame.ts';
import { encodeStrict } from '../core/wire/strict.ts';
import type { Actor, Place } from './actor.ts';

const BODY_BYTES = 1100;
const NAMED = 20;
const TTL_MS = 86_400_000n;
const HEADER_BYTES = TAG_BYTES + COOKIE_BYTES + TOKEN_BYTES;

/** All who lie together. */
export class LyingCircle {
  readonly #members: (KnownContact & { readonly id: Uint8Array })[] = [];

  join(contact: KnownContact): void {
    this.#members.push({ ...contact, id: idBytes(contact.peer) });
  }

  /** Those of them who are nearest to a target. */
  nearest(target: Uint8Array): readonly KnownContact[] {
    return [...this.#members].sort((a, b) => compareDistance(target, a.id, b.id)).slice(0, NAMED);
  }
}

/** A node that lies to questions by datagram. */
export function lyingActor(place: Place, circle: LyingCircle): Actor {
  const node = place.createNode();
  circle.join({ peer: place.peerId, addresses: place.listenAddresses });

  /** A false provider record of the liar itself, well-formed and signed. */
  function falseProvider(key: Uint8Array, now: Now): Uint8Array {
    const payload = create(ProviderRecordSchema, {
      version: PAYLOAD_VERSION,
      key,
      addresses: [...place.listenAddresses],
      createdMs: BigInt(now.wallMs),
      ttlMs: TTL_MS,
    });
    return sealEnvelope(place.crypto, place.networkId, 'provider', place.identitySeed, encodeStrict(ProviderRecordSchema, payload));
  }

  function lie(kind: number, body: Uint8Array, now: Now): { readonly kind: number; readonly body: Uint8Array } | undefined {
    if (kind === KIND_FIND_NODE) {
      const read = decodeFindNode(body);
      if (!read.ok) return undefined;
      return { kind: KIND_FIND_NODE_REPLY, body: encodeContacts(1, circle.nearest(read.value.target), BODY_BYTES) };
    }
    const read = kind === KIND_GET_PROVIDERS ? decodeGetProviders(body) : undefined;
    if (read?.ok !== true) return undefined;
    return { kind: KIND_GET_PROVIDERS_REPLY, body: encodeProviders([falseProvider(read.value.key, now)], BODY_BYTES) };
  }

  function answer(data: Uint8Array, from: Endpoint, now: Now): NodeEffect | undefined {
    const frame = data.length > HEADER_BYTES ? readFrame(data.subarray(HEADER_BYTES), 0) : undefined;
    const said = frame?.ok === true ? lie(frame.kind, frame.body, now) : undefined;
    if (said === undefined || frame?.ok !== true) return undefined;
    const cookie = data.slice(TAG_BYTES, TAG_BYTES + COOKIE_BYTES);
    const reply = encodeFrame(said.kind, frame.requestId, said.body);
    const key = { networkId: place.networkId, seed: place.identitySeed, publicKey: place.publicKey };
    const proof = makeProof(place.crypto, key, cookie, reply);
    const tag = data.slice(0, TAG_BYTES);
    return { type: 'datagram', to: from, data: encodeDatagram({ tag, cookie, token: NO_TOKEN, frame: reply, proof }) };
  }

  return {
    handle(input: NodeInput, now: Now) {
      const lied = input.type === 'datagram' ? answer(input.data, input.from, now) : undefined;
      return lied === undefined ? node.handle(input, now) : [lied];
    },
    deadline: () => node.deadline(),
    view: (name) => node.view(name),
  };
}
