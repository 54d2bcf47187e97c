/** The table of contacts: buckets, those that wait for room, and the limits by subnet. Spec: chapter 08, Table */
import { invariant } from '../errors.ts';
import type { Params } from '../params.ts';
import type { PeerId } from '../types.ts';
import { type AddressPolicy, isLimited, subnetKey } from './address.ts';
import type { Contact } from './contact.ts';
import { bucketIndex, compareDistance, ID_BITS } from './distance.ts';

/** What bounds a table; the names are those of chapter 19. */
export interface TableBounds {
  readonly bucketSize: number;
  readonly replacementsMax: number;
  readonly subnetBucketMax: number;
  readonly subnetTableMax: number;
  readonly failuresMax: number;
  readonly policy: AddressPolicy;
}

interface Entry {
  readonly contact: Contact;
  failures: number;
}

interface Bucket {
  /** Least recently seen first. */
  entries: Entry[];
  /** Newest last; empty while `entries` has room. */
  cache: Contact[];
}

/** A bucket as others see it. */
export interface BucketView {
  readonly index: number;
  readonly entries: readonly { readonly contact: Contact; readonly failures: number }[];
  readonly cache: readonly Contact[];
}

/** The bounds that the parameters give. */
export function tableBounds(params: Params): TableBounds {
  return {
    bucketSize: params['dht.bucket_size'],
    replacementsMax: params['dht.replacements_max'],
    subnetBucketMax: params['dht.subnet_bucket_max'],
    subnetTableMax: params['dht.subnet_table_max'],
    failuresMax: params['dht.failures_max'],
    policy: params['dht.address_policy'],
  };
}

/** Invariants: a contact stands in one place; nobody waits while its bucket has room; `subnets` counts all contacts. */
export class RoutingTable {
  readonly #self: Uint8Array;
  readonly #bounds: TableBounds;
  readonly #buckets: (Bucket | undefined)[] = Array.from({ length: ID_BITS }, () => undefined);
  readonly #subnets = new Map<string, number>();
  /** Indexes of buckets that were ever used, ascending. */
  #used: readonly number[] = [];
  #size = 0;

  constructor(self: Uint8Array, bounds: TableBounds) {
    this.#self = self;
    this.#bounds = bounds;
  }

  /** Contacts in buckets. */
  get size(): number {
    return this.#size;
  }

  /** The contact in its bucket or waiting for room in it, or undefined. */
  get(peer: PeerId, id: Uint8Array): Contact | undefined {
    const bucket = this.#bucketOf(id);
    if (bucket === undefined) return undefined;
    const entry = bucket.entries.find(({ contact }) => contact.peer === peer);
    return entry?.contact ?? bucket.cache.find((contact) => contact.peer === peer);
  }

  /** Takes note of an answer; true when the contact is in its bucket now and was not before. Spec: DHT-020 */
  seen(contact: Contact): boolean {
    const index = bucketIndex(this.#self, contact.id);
    if (index === undefined) return false;
    const bucket = this.#buckets[index] ?? this.#open(index);
    const at = bucket.entries.findIndex((entry) => entry.contact.peer === contact.peer);
    if (at >= 0) {
      const [entry] = bucket.entries.splice(at, 1);
      invariant(entry !== undefined, 'an entry that was found is there');
      entry.failures = 0;
      bucket.entries.push(entry);
      return false;
    }
    this.#leaveCache(bucket, contact.peer);
    if (!this.#hasRoomInSubnet(bucket, contact)) return false;
    this.#count(contact, 1);
    if (bucket.entries.length < this.#bounds.bucketSize) {
      bucket.entries.push({ contact, failures: 0 });
      this.#size += 1;
      return true;
    }
    bucket.cache.push(contact);
    if (bucket.cache.length > this.#bounds.replacementsMax) {
      const oldest = bucket.cache.shift();
      if (oldest !== undefined) this.#count(oldest, -1);
    }
    return false;
  }

  #open(index: number): Bucket {
    const bucket: Bucket = { entries: [], cache: [] };
    this.#buckets[index] = bucket;
    this.#used = [...this.#used, index].sort((a, b) => a - b);
    return bucket;
  }

  /** Whether an id would stand in its bucket and not wait, the limits by subnet apart. */
  hasRoom(id: Uint8Array): boolean {
    return (this.#bucketOf(id)?.entries.length ?? 0) < this.#bounds.bucketSize;
  }

  /** The bucket of the nearest contact, or undefined in an empty table. */
  get nearestBucket(): number | undefined {
    return this.#used.find((index) => this.#buckets[index]?.entries.length !== 0);
  }

  /** Takes note of a question without an answer; gives the contact that moved up, if one did. Spec: DHT-028 */
  failed(peer: PeerId, id: Uint8Array): Contact | undefined {
    const bucket = this.#bucketOf(id);
    if (bucket === undefined || this.#leaveCache(bucket, peer)) return undefined;
    const entry = bucket.entries.find((one) => one.contact.peer === peer);
    if (entry === undefined) return undefined;
    entry.failures += 1;
    if (entry.failures < this.#bounds.failuresMax) return undefined;
    bucket.entries = bucket.entries.filter((one) => one !== entry);
    this.#count(entry.contact, -1);
    this.#size -= 1;
    const promoted = bucket.cache.pop();
    if (promoted === undefined) return undefined;
    bucket.entries.push({ contact: promoted, failures: 0 });
    this.#size += 1;
    return promoted;
  }

  /** Up to `count` contacts, nearest to the target first. */
  closest(target: Uint8Array, count: number): readonly Contact[] {
    // Every contact of a bucket nearer to the target than another's is nearer itself, so whole buckets are taken until there are enough.
    const pivot = bucketIndex(this.#self, target);
    const found: Contact[] = [];
    for (const index of this.#order(pivot, target)) {
      const bucket = this.#buckets[index];
      if (bucket === undefined || bucket.entries.length === 0) continue;
      const sorted = bucket.entries.map(({ contact }) => contact).sort((a, b) => compareDistance(target, a.id, b.id));
      for (const contact of sorted) {
        found.push(contact);
        if (found.length === count) return found;
      }
    }
    return found;
  }

  /** Indexes of used buckets in the order of their distance from the target. */
  #order(pivot: number | undefined, target: Uint8Array): readonly number[] {
    // Below the pivot a bucket's ids differ from self in that bit: nearest are those whose bit the target differs in, too, highest first.
    const top = pivot ?? ID_BITS;
    const own: number[] = [];
    const differing: number[] = [];
    const agreeing: number[] = [];
    const above: number[] = [];
    for (const index of this.#used) {
      const at = target.length - 1 - (index >> 3);
      const differs = ((((target[at] ?? 0) ^ (this.#self[at] ?? 0)) >> (index & 7)) & 1) === 1;
      const list = index === top ? own : index > top ? above : differs ? differing : agreeing;
      list.push(index);
    }
    return [...own, ...differing.reverse(), ...agreeing, ...above];
  }

  /** Buckets that hold contacts, in ascending order. */
  buckets(): readonly BucketView[] {
    return this.#used.flatMap((index) => {
      const bucket = this.#buckets[index];
      return bucket === undefined || bucket.entries.length === 0 ? [] : [{ index, ...bucket }];
    });
  }

  #bucketOf(id: Uint8Array): Bucket | undefined {
    const index = bucketIndex(this.#self, id);
    return index === undefined ? undefined : this.#buckets[index];
  }

  #leaveCache(bucket: Bucket, peer: PeerId): boolean {
    const at = bucket.cache.findIndex((contact) => contact.peer === peer);
    const [gone] = at < 0 ? [] : bucket.cache.splice(at, 1);
    if (gone === undefined) return false;
    this.#count(gone, -1);
    return true;
  }

  #hasRoomInSubnet(bucket: Bucket, contact: Contact): boolean {
    if (!isLimited(this.#bounds.policy, contact.host)) return true;
    const subnet = subnetKey(contact.host);
    const here = [...bucket.entries.map((entry) => entry.contact), ...bucket.cache];
    const inBucket = here.filter((other) => subnetKey(other.host) === subnet).length;
    return inBucket < this.#bounds.subnetBucketMax && (this.#subnets.get(subnet) ?? 0) < this.#bounds.subnetTableMax;
  }

  #count(contact: Contact, change: 1 | -1): void {
    const subnet = subnetKey(contact.host);
    const count = (this.#subnets.get(subnet) ?? 0) + change;
    if (count === 0) this.#subnets.delete(subnet);
    else this.#subnets.set(subnet, count);
  }
}
