/** What the node keeps for others: provider records and values, each until its time, within quotas. Spec: DHT-050 to DHT-069 */
import { fromHex, toHex } from '../bytes.ts';
import { invariant } from '../errors.ts';
import type { Params } from '../params.ts';
import type { MonoMs, Now, PeerId, WallMs } from '../types.ts';
import type { Value } from '../wire/dht-body.ts';
import { compareDistance } from './distance.ts';
import { keepRivals, type Provider, type Refusal, type Rival } from './values.ts';

interface StoredProvider extends Provider {
  readonly envelope: Uint8Array;
  readonly subnet: string;
}

interface StoredRival extends Rival {
  readonly overMs: MonoMs;
  readonly subnet: string;
}

interface StoredValue {
  readonly namespace: string;
  rivals: readonly StoredRival[];
}

/** A value that comes, with what was found out about it. */
export interface Coming {
  readonly key: Uint8Array;
  readonly namespace: string;
  readonly content: Uint8Array;
  readonly hash: Uint8Array;
  readonly sequence: bigint;
  readonly expectedNext: bigint;
  readonly ttlMs: number;
  readonly subnet: string;
}

const QUOTA: Refusal = { error: 'E_DHT_QUOTA', clause: 'DHT-057' };

/** Invariants: `#count` is the number of all entries, `#subnets` of those of each subnet. */
export class DhtStore {
  readonly #self: Uint8Array;
  readonly #params: Params;
  readonly #providers = new Map<string, Map<PeerId, StoredProvider>>();
  readonly #values = new Map<string, StoredValue>();
  readonly #subnets = new Map<string, number>();
  #count = 0;

  constructor(self: Uint8Array, params: Params) {
    this.#self = self;
    this.#params = params;
  }

  /** Records and values held, those whose time is over among them until `expire`. */
  get size(): number {
    return this.#count;
  }

  /** Records of a key whose time is not over, in the order of their coming. Spec: DHT-047 */
  providers(key: Uint8Array, wallMs: WallMs): readonly Uint8Array[] {
    const held = this.#providers.get(toHex(key));
    return held === undefined ? [] : [...held.values()].filter((entry) => entry.overMs > wallMs).map((entry) => entry.envelope);
  }

  /** Contents of a key whose time is not over and whose hash is none of `have`, the winner first. Spec: DHT-045, DHT-047 */
  values(key: Uint8Array, have: readonly Uint8Array[], nowMs: MonoMs): readonly Value[] {
    const held = this.#values.get(toHex(key));
    if (held === undefined) return [];
    const known = new Set(have.map(toHex));
    return held.rivals
      .filter((rival) => rival.overMs > nowMs && !known.has(toHex(rival.hash)))
      .map((rival) => ({ namespace: held.namespace, content: rival.content }));
  }

  /** The sequence that is stored under a key of `mutable`, 0 when nothing is. */
  sequence(key: Uint8Array): bigint {
    return this.#values.get(toHex(key))?.rivals[0]?.sequence ?? 0n;
  }

  /** Spec: DHT-050, DHT-056, DHT-057 */
  addProvider(provider: Provider, envelope: Uint8Array, subnet: string, now: Now): Refusal | undefined {
    this.#expireKey(toHex(provider.record.key), now);
    const key = toHex(provider.record.key);
    const held = this.#providers.get(key);
    const previous = held?.get(provider.peer);
    if (previous !== undefined && provider.createdMs < previous.createdMs) return { error: 'E_DHT_SEQUENCE', clause: 'DHT-056' };
    if (previous === undefined) {
      if ((held?.size ?? 0) >= this.#params['dht.stored_per_key_max']) return QUOTA;
      if (!this.#makeRoom(provider.record.key, subnet, now)) return QUOTA;
    }
    // Making room may have taken the list of the key itself.
    const list = this.#providers.get(key) ?? new Map<PeerId, StoredProvider>();
    this.#providers.set(key, list);
    const subnetOfEntry = previous?.subnet ?? subnet;
    if (previous === undefined) this.#counted(subnet, 1);
    list.set(provider.peer, { ...provider, envelope, subnet: subnetOfEntry });
    return undefined;
  }

  /** Spec: DHT-060, DHT-067, DHT-068, DHT-057 */
  putValue(coming: Coming, now: Now): Refusal | undefined {
    const key = toHex(coming.key);
    this.#expireKey(key, now);
    const held = this.#values.get(key)?.rivals ?? [];
    const same = held.find((rival) => toHex(rival.hash) === toHex(coming.hash));
    const overMs = Math.max(now.monoMs + coming.ttlMs, same?.overMs ?? 0);
    const rival: StoredRival = { ...coming, overMs, subnet: same?.subnet ?? coming.subnet };
    const kept = keepRivals(coming.namespace, coming.expectedNext, held, rival);
    if ('error' in kept) return kept;
    if (kept.length > held.length && !this.#makeRoom(coming.key, coming.subnet, now)) return QUOTA;
    for (const gone of held) if (!kept.includes(gone)) this.#counted(gone.subnet, -1);
    this.#counted(rival.subnet, 1);
    this.#values.set(key, { namespace: coming.namespace, rivals: kept });
    return undefined;
  }

  /** Forgets the node's own record of a key. */
  removeProvider(key: Uint8Array, peer: PeerId): void {
    this.#dropProvider(toHex(key), peer);
  }

  /** Drops everything whose time is over. */
  expire(now: Now): void {
    for (const key of new Set([...this.#providers.keys(), ...this.#values.keys()])) this.#expireKey(key, now);
  }

  #expireKey(key: string, now: Now): void {
    for (const [peer, entry] of this.#providers.get(key) ?? []) if (entry.overMs <= now.wallMs) this.#dropProvider(key, peer);
    const value = this.#values.get(key);
    if (value === undefined) return;
    for (const rival of value.rivals) if (rival.overMs <= now.monoMs) this.#dropRival(key, value, rival);
  }

  /** Room for one entry more. When all is full the farthest entry goes, if it is farther than what comes. Spec: DHT-069 */
  #makeRoom(key: Uint8Array, subnet: string, now: Now): boolean {
    const perSubnet = this.#params['dht.stored_per_subnet_max'];
    const total = this.#params['dht.stored_max'];
    if (this.#count >= total || (this.#subnets.get(subnet) ?? 0) >= perSubnet) this.expire(now);
    if ((this.#subnets.get(subnet) ?? 0) >= perSubnet) return false;
    if (this.#count < total) return true;
    const farthest = this.#farthestKey();
    if (farthest === undefined || compareDistance(this.#self, key, farthest) >= 0) return false;
    const name = toHex(farthest);
    const [peer] = this.#providers.get(name)?.keys() ?? [];
    const value = this.#values.get(name);
    const rival = value?.rivals.at(-1);
    if (peer !== undefined) this.#dropProvider(name, peer);
    else if (value !== undefined && rival !== undefined) this.#dropRival(name, value, rival);
    return this.#count < total;
  }

  #farthestKey(): Uint8Array | undefined {
    let farthest: Uint8Array | undefined;
    for (const keys of [this.#providers.keys(), this.#values.keys()]) {
      for (const name of keys) {
        const key = fromHex(name);
        invariant(key !== undefined, 'keys are hexadecimal');
        if (farthest === undefined || compareDistance(this.#self, key, farthest) > 0) farthest = key;
      }
    }
    return farthest;
  }

  #dropProvider(key: string, peer: PeerId): void {
    const list = this.#providers.get(key);
    const entry = list?.get(peer);
    if (list === undefined || entry === undefined) return;
    list.delete(peer);
    if (list.size === 0) this.#providers.delete(key);
    this.#counted(entry.subnet, -1);
  }

  #dropRival(key: string, value: StoredValue, rival: StoredRival): void {
    value.rivals = value.rivals.filter((one) => one !== rival);
    if (value.rivals.length === 0) this.#values.delete(key);
    this.#counted(rival.subnet, -1);
  }

  #counted(subnet: string, change: 1 | -1): void {
    this.#count += change;
    const count = (this.#subnets.get(subnet) ?? 0) + change;
    if (count === 0) this.#subnets.delete(subnet);
    else this.#subnets.set(subnet, count);
  }
}
