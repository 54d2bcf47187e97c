/**
 * Nodes that lie to whoever looks something up: they name each other and nobody else, and provide
 * whatever is looked for. In all other things they are nodes like others, so that tables take them in.
 */
import { create } from '@bufbuild/protobuf';
import { ProviderRecordSchema } from '../../proto/gen/carillon/v1/dht_pb.ts';
import type { CryptoProvider } from '../core/crypto/provider.ts';
import { compareDistance } from '../core/dht/distance.ts';
import type { KnownContact, Now } from '../core/types.ts';
import { idBytes } from '../core/wire/body.ts';
import { decodeFindNode, decodeGetProviders, encodeContacts, encodeProviders } from '../core/wire/dht-body.ts';
import { PAYLOAD_VERSION, sealEnvelope } from '../core/wire/envelope.ts';
import { KIND_FIND_NODE, KIND_FIND_NODE_REPLY, KIND_GET_PROVIDERS, KIND_GET_PROVIDERS_REPLY } from '../core/wire/frame.ts';
import { encodeStrict } from '../core/wire/strict.ts';

const BODY_BYTES = 1100;
const NAMED = 20;
const TTL_MS = 86_400_000n;

/** Who lies, and what it signs with. */
export interface Liar extends KnownContact {
  readonly crypto: CryptoProvider;
  readonly networkId: Uint8Array;
  readonly identitySeed: Uint8Array;
}

/** What a lie looks like on the wire. */
export interface Lie {
  readonly kind: number;
  readonly body: Uint8Array;
}

/** All who lie together. */
export class LyingCircle {
  readonly #members: (Liar & { readonly id: Uint8Array })[] = [];

  join(liar: Liar): void {
    this.#members.push({ ...liar, id: idBytes(liar.peer) });
  }

  /** What a liar says to a question; undefined where it tells the truth. */
  answer(liar: Liar, kind: number, body: Uint8Array, now: Now): Lie | undefined {
    if (kind === KIND_FIND_NODE) {
      const read = decodeFindNode(body);
      if (!read.ok) return undefined;
      return { kind: KIND_FIND_NODE_REPLY, body: encodeContacts(1, this.#nearest(read.value.target), BODY_BYTES) };
    }
    const read = kind === KIND_GET_PROVIDERS ? decodeGetProviders(body) : undefined;
    if (read?.ok !== true) return undefined;
    return { kind: KIND_GET_PROVIDERS_REPLY, body: encodeProviders([falseRecord(liar, read.value.key, now)], BODY_BYTES) };
  }

  /** Those of them who are nearest to a target. */
  #nearest(target: Uint8Array): readonly KnownContact[] {
    return [...this.#members].sort((a, b) => compareDistance(target, a.id, b.id)).slice(0, NAMED);
  }
}

/** A record of the liar itself, well-formed and signed. */
function falseRecord({ crypto, networkId, identitySeed, addresses }: Liar, key: Uint8Array, now: Now): Uint8Array {
  const payload = create(ProviderRecordSchema, {
    version: PAYLOAD_VERSION,
    key,
    addresses: [...addresses],
    createdMs: BigInt(now.wallMs),
    ttlMs: TTL_MS,
  });
  return sealEnvelope(crypto, networkId, 'provider', identitySeed, encodeStrict(ProviderRecordSchema, payload));
}
