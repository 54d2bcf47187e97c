/** The places of a world: who is where, and the machine that runs there while it runs. */
import type { Address } from '../../proto/gen/carillon/v1/common_pb.ts';
import type { CryptoProvider } from '../core/crypto/provider.ts';
import { createNode, type NodeOptions } from '../core/node.ts';
import type { Params } from '../core/params.ts';
import type { Rng } from '../core/rng.ts';
import type { LinkId, PeerId } from '../core/types.ts';
import { KEY_TYPE_ED25519 } from '../core/wire/envelope.ts';
import { derivePeerId } from '../core/wire/peer-id.ts';
import type { Actor, Place } from './actor.ts';
import { listenAddressesOf, type NodeAddress, spreadAddresses } from './addresses.ts';
import type { Lane } from './network.ts';
import type { Reach, WorldOptions } from './options.ts';
import type { Region } from './regions.ts';
import { noTraffic, type Traffic } from './traffic.ts';

/** One end of a link. */
export interface End {
  readonly slot: Slot;
  readonly link: LinkId;
  readonly lane: Lane;
  /** The other end. */
  peer: End | undefined;
  isOpen: boolean;
  /** Nothing that is sent here arrives: the other end's machine is gone, or the way between them. */
  isDead: boolean;
}

/** A place with what is in it. */
export interface Slot {
  readonly index: number;
  readonly address: NodeAddress;
  readonly region: Region | undefined;
  readonly reach: Reach;
  readonly roles: number | undefined;
  readonly params: Params;
  readonly identitySeed: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly peerId: PeerId;
  readonly listenAddresses: readonly Address[];
  readonly skewMs: number;
  readonly ends: Map<LinkId, End>;
  readonly traffic: Traffic;
  /** When it last sent a datagram where, for one behind a NAT. */
  readonly mappings: Map<string, number>;
  /** Undefined while it does not run. */
  actor: Actor | undefined;
  starts: number;
  nextLink: number;
  /** When its next wake is in the heap; others there are stale. */
  wakeMs: number | undefined;
  wokenMs: number;
  wakesAtOnce: number;
}

/** What all places of a world share. */
export interface PlaceKit {
  readonly options: WorldOptions;
  readonly crypto: CryptoProvider;
  readonly rng: Rng;
  readonly networkId: Uint8Array;
  readonly stakes: ReadonlyMap<PeerId, bigint>;
  readonly defaultParams: Params;
  /** What a node is told of the nodes that it begins with. */
  readonly bootstrapOf: (index: number) => Partial<NodeOptions>;
}

/** A place where nothing runs yet. */
export function createSlot(kit: PlaceKit, index: number, skewMs: number): Slot {
  const { options, crypto } = kit;
  const { params } = options;
  const identitySeed = kit.rng.fork(`identity ${index}`).bytes(32);
  const publicKey = crypto.ed25519PublicKey(identitySeed);
  const address = (options.addresses ?? spreadAddresses)(index);
  return {
    index,
    address,
    region: options.region?.(index),
    reach: options.reach?.(index) ?? 'public',
    roles: options.roles?.(index),
    params: (typeof params === 'function' ? params(index) : params) ?? kit.defaultParams,
    identitySeed,
    publicKey,
    peerId: derivePeerId(crypto, KEY_TYPE_ED25519, publicKey),
    listenAddresses: listenAddressesOf(address),
    skewMs,
    ends: new Map(),
    traffic: noTraffic(),
    mappings: new Map(),
    actor: undefined,
    starts: 0,
    nextLink: 1,
    wakeMs: undefined,
    wokenMs: -1,
    wakesAtOnce: 0,
  };
}

/** Makes what runs in a place from now on; each start has chance of its own (SES-004). */
export function createActor(kit: PlaceKit, slot: Slot): Actor {
  const { options, crypto, networkId } = kit;
  const { index, address, region, peerId, publicKey, identitySeed, listenAddresses, params, roles } = slot;
  const label = slot.starts === 0 ? `node ${index}` : `node ${index} start ${slot.starts}`;
  const about = { index, address, region, peerId, publicKey, identitySeed, networkId, listenAddresses, params, crypto };
  const make = (): ReturnType<typeof createNode> =>
    createNode({
      params,
      crypto,
      seed: kit.rng.fork(label).bytes(32),
      identitySeed,
      networkId,
      stakes: kit.stakes,
      listenAddresses,
      ...(roles === undefined ? {} : { roles }),
      ...kit.bootstrapOf(index),
      ...options.nodeOptions?.(about),
    });
  if (options.actor === undefined) return make();
  const place: Place = { ...about, rng: kit.rng.fork(`${label} actor`), createNode: make };
  return options.actor(place) ?? make();
}
