/** The two sets of buckets of a node, as chapter 03 has them. Spec: WIR-150 to WIR-152 */
import { ClassBuckets } from '../model/rate.ts';
import { type DatagramView, fits, hasBody, hostOf, isQuestion, isReply, isRetry, type PlacedDatagram } from './datagram-view.ts';

/** Why a datagram of the kit has no effect at all, or that it has one. */
export type Admission =
  | { readonly type: 'admitted'; readonly proven: boolean }
  /** The clause by which it is dropped. */
  | { readonly type: 'dropped'; readonly clause: string }
  /** Both are right. */
  | { readonly type: 'open' };

/** The /24 of an IPv4 address; an IPv6 address of the plans is written in full. */
function subnetOf(host: string): string {
  return host.includes('.') ? host.split('.').slice(0, 3).join('.') : host.split(':').slice(0, 3).join(':');
}

/** One set: pairs by address, by subnet, and one for all. */
class BucketSet {
  readonly #view: DatagramView;
  readonly #pairs = new Map<string, ClassBuckets>();

  constructor(view: DatagramView) {
    this.#view = view;
  }

  #pair(scope: string, key: string, nowMs: number): ClassBuckets {
    const name = `${scope} ${key}`;
    const known = this.#pairs.get(name);
    if (known !== undefined) return known;
    const { number } = this.#view;
    const made = new ClassBuckets(number(`datagram.${scope}_messages_per_s`), number(`datagram.${scope}_bytes_per_s`), nowMs);
    this.#pairs.set(name, made);
    return made;
  }

  /** Charges all six buckets or none. */
  admit({ endpoint, bytes, atMs }: PlacedDatagram): boolean {
    const [host, nowMs] = [hostOf(endpoint), Math.floor(atMs)];
    const pairs = [this.#pair('address', host, nowMs), this.#pair('subnet', subnetOf(host), nowMs), this.#pair('total', '', nowMs)];
    if (!pairs.every((pair) => pair.holds(nowMs, bytes))) return false;
    for (const pair of pairs) pair.pass(nowMs, bytes);
    return true;
  }
}

/** What becomes of each datagram of the kit, by its event, as far as bytes, tokens and buckets decide. */
export function admissions(view: DatagramView): ReadonlyMap<number, Admission> {
  const [vouched, unvouched] = [new BucketSet(view), new BucketSet(view)];
  const result = new Map<number, Admission>();
  for (const datagram of view.sent) {
    result.set(datagram.event, admissionOf(view, datagram, vouched, unvouched));
  }
  return result;
}

function admissionOf(view: DatagramView, datagram: PlacedDatagram, vouched: BucketSet, unvouched: BucketSet): Admission {
  const { seen } = datagram;
  // The proof is looked at behind the buckets.
  if (seen.fault !== undefined && seen.fault.clause !== 'WIR-110') return { type: 'dropped', clause: seen.fault.clause };
  if (isReply(datagram)) {
    const question = view.received.findLast(
      (asked) => asked.event < datagram.event && isQuestion(asked) && asked.endpoint === datagram.endpoint && fits(datagram, asked),
    );
    if (question === undefined) return { type: 'dropped', clause: 'WIR-108' };
    if (!vouched.admit(datagram)) return { type: 'dropped', clause: 'WIR-109' };
    if (!isRetry(datagram) && seen.fault !== undefined) return { type: 'dropped', clause: 'WIR-110' };
    return { type: 'admitted', proven: true };
  }
  const standing = view.standingOf(datagram);
  if (standing === 'open') return { type: 'open' };
  const proven = standing === 'valid';
  if (!(proven ? vouched : unvouched).admit(datagram)) return { type: 'dropped', clause: 'WIR-109' };
  if (proven && !hasBody(datagram)) return { type: 'dropped', clause: 'WIR-112' };
  return { type: 'admitted', proven };
}
