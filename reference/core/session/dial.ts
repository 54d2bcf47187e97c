/**
 * Outgoing connections: which dials are under way, whom each one is meant for, and who asked not to
 * be dialled for a while. Spec: SES-018, SES-071, SES-072.
 */
import type { MonoMs, PeerId } from '../types.ts';

/** Whom a dial is meant for. */
export interface DialTarget {
  readonly address: string;
  /** The only PeerId that will do, or undefined when any will. */
  readonly expected: PeerId | undefined;
}

/** Everything that the node knows of its dials. All maps are bounded; what goes first is said at each bound. */
export interface DialBook {
  nextDial: number;
  /** Dials that the runtime was asked for and has not answered. */
  readonly pending: Map<number, DialTarget>;
  /** Wishes that wait for a peer's `retry_after_ms` to pass, by address. */
  readonly deferred: Map<string, DialTarget>;
  /** Who answered at an address when this node last dialled it; hearsay does not count. */
  readonly answeredBy: Map<string, PeerId>;
  /** When a peer, or whoever is at an address, may be dialled again. */
  readonly restOfPeer: Map<PeerId, MonoMs>;
  readonly restOfAddress: Map<string, MonoMs>;
}

/** Dials under way: the oldest is forgotten, and its connection refused if it comes after all. */
const PENDING_MAX = 1024;
/** Wishes that wait: further ones are not taken. */
const DEFERRED_MAX = 1024;
/** Addresses whose peer is known: the least recently dialled goes. */
const ANSWERED_MAX = 4096;
/** Peers or addresses at rest: the one whose rest is over first goes. */
const REST_MAX = 4096;

/** No dial yet; numbers start at 1. */
export function createDialBook(): DialBook {
  return {
    nextDial: 1,
    pending: new Map(),
    deferred: new Map(),
    answeredBy: new Map(),
    restOfPeer: new Map(),
    restOfAddress: new Map(),
  };
}

function deleteFirst<K>(map: Map<K, unknown>): void {
  for (const key of map.keys()) {
    map.delete(key);
    return;
  }
}

/** When the target may be dialled at the earliest; 0 when nobody asked for a rest. */
export function restUntil(book: DialBook, target: DialTarget): MonoMs {
  const known = book.answeredBy.get(target.address);
  const ofPeer = (peer: PeerId | undefined): MonoMs => (peer === undefined ? 0 : (book.restOfPeer.get(peer) ?? 0));
  return Math.max(ofPeer(target.expected), ofPeer(known), book.restOfAddress.get(target.address) ?? 0);
}

/** The number of a new dial, or undefined when the wish has to wait. Spec: SES-071 */
export function requestDial(book: DialBook, target: DialTarget, nowMs: MonoMs): number | undefined {
  if (restUntil(book, target) > nowMs) {
    if (book.deferred.size < DEFERRED_MAX || book.deferred.has(target.address)) book.deferred.set(target.address, target);
    return undefined;
  }
  book.deferred.delete(target.address);
  if (book.pending.size >= PENDING_MAX) deleteFirst(book.pending);
  const dial = book.nextDial;
  book.nextDial += 1;
  book.pending.set(dial, target);
  return dial;
}

/** The target of a dial that has an answer, success or not; undefined for one that is not under way. */
export function settleDial(book: DialBook, dial: number): DialTarget | undefined {
  const target = book.pending.get(dial);
  book.pending.delete(dial);
  return target;
}

/** Remembers who answered at an address that this node dialled. */
export function rememberAnswer(book: DialBook, address: string, peer: PeerId): void {
  book.answeredBy.delete(address);
  if (book.answeredBy.size >= ANSWERED_MAX) deleteFirst(book.answeredBy);
  book.answeredBy.set(address, peer);
}

function setRest<K>(map: Map<K, MonoMs>, key: K, untilMs: MonoMs, nowMs: MonoMs): void {
  map.delete(key);
  if (untilMs <= nowMs) return;
  if (map.size >= REST_MAX) {
    let soonest: { readonly key: K; readonly untilMs: MonoMs } | undefined;
    for (const [other, otherMs] of map) {
      if (soonest === undefined || otherMs < soonest.untilMs) soonest = { key: other, untilMs: otherMs };
    }
    if (soonest !== undefined) map.delete(soonest.key);
  }
  map.set(key, untilMs);
}

/** Notes the `retry_after_ms` of a peer's GoAway, which replaces what it asked for before. `address` is where this node dialled it, if it did. */
export function setPeerRest(book: DialBook, peer: PeerId, address: string | undefined, untilMs: MonoMs, nowMs: MonoMs): void {
  setRest(book.restOfPeer, peer, untilMs, nowMs);
  if (address !== undefined) setRest(book.restOfAddress, address, untilMs, nowMs);
}

/** Turns every wish whose time has come into a dial, in the order in which they were made. */
export function takeDueDials(book: DialBook, nowMs: MonoMs): readonly { readonly dial: number; readonly address: string }[] {
  const due: { dial: number; address: string }[] = [];
  for (const target of [...book.deferred.values()]) {
    const dial = requestDial(book, target, nowMs);
    if (dial !== undefined) due.push({ dial, address: target.address });
  }
  return due;
}

/** When the next wish may become a dial, or undefined when none waits. */
export function dialDeadlineMs(book: DialBook): MonoMs | undefined {
  let next: MonoMs | undefined;
  for (const target of book.deferred.values()) {
    const at = restUntil(book, target);
    if (next === undefined || at < next) next = at;
  }
  return next;
}

/** Forgets dials and wishes: the node stops. */
export function abandonDials(book: DialBook): void {
  book.pending.clear();
  book.deferred.clear();
}
