import { describe, expect, it } from 'vitest';
import { toHex } from '../bytes.ts';
import { createRng } from '../rng.ts';
import type { PeerId } from '../types.ts';
import { parseAddress } from './address.ts';
import { type Contact, makeContact } from './contact.ts';
import { compareDistance } from './distance.ts';
import { Lookup, type LookupBounds } from './lookup.ts';

const rng = createRng(Uint8Array.of(2));
const SELF = toHex(rng.bytes(32)) as PeerId;
const TARGET = rng.bytes(32);
const BOUNDS: LookupBounds = { bucketSize: 20, alpha: 3, paths: 4, shortlistMax: 160, queriesMax: 256, radius: 0n, asksAllOfStart: false };

function contact(host = '5.6.7.8'): Contact {
  const address = parseAddress(`udp://${host}:1`);
  const made = address === undefined ? undefined : makeContact(toHex(rng.bytes(32)) as PeerId, [address]);
  if (made === undefined) throw new Error('an address in order makes a contact');
  return made;
}

function contacts(count: number): readonly Contact[] {
  return Array.from({ length: count }, () => contact()).sort((a, b) => compareDistance(TARGET, a.id, b.id));
}

/** Runs a lookup where everybody answers with what `says` gives. */
function run(lookup: Lookup, says: (peer: PeerId) => readonly Contact[] | undefined): PeerId[] {
  const asked: PeerId[] = [];
  for (let turns = lookup.next(); turns.length > 0; turns = lookup.next()) {
    for (const turn of turns) {
      asked.push(turn.contact.peer);
      const named = says(turn.contact.peer);
      if (named !== undefined) lookup.named(turn, named);
      lookup.settle(turn, named === undefined ? 'failed' : 'answered');
    }
  }
  return asked;
}

describe('Lookup', () => {
  it('DHT-071: asks nobody twice, whoever names whom, and ends with all', () => {
    const all = contacts(60);
    const lookup = new Lookup(SELF, TARGET, all.slice(40), BOUNDS);
    const asked = run(lookup, () => all);
    expect(new Set(asked).size).toBe(asked.length);
    expect(lookup.isOver).toBe(true);
    expect(lookup.result().contacts.map(({ peer }) => peer)).toEqual(all.slice(0, 20).map(({ peer }) => peer));
  });

  it('DHT-072: has at most α open on a path', () => {
    const lookup = new Lookup(SELF, TARGET, contacts(20), { ...BOUNDS, paths: 2 });
    expect(lookup.next().length).toBe(6);
    expect(lookup.next().length).toBe(0);
    expect(lookup.isOver).toBe(false);
  });

  it('DHT-078: an endless chain costs its own path’s share and no other', () => {
    const start = contacts(8);
    const liar = start[0]?.peer;
    const chained = new Set(liar === undefined ? [] : [liar]);
    const lookup = new Lookup(SELF, TARGET, start, { ...BOUNDS, bucketSize: 8, queriesMax: 64 });
    const asked = run(lookup, (peer) => {
      if (!chained.has(peer)) return [];
      const more = contacts(4);
      for (const one of more) chained.add(one.peer);
      return more;
    });
    expect(asked.length).toBeLessThanOrEqual(16 + 8);
    expect(start.every(({ peer }) => asked.includes(peer))).toBe(true);
    expect(lookup.isOver).toBe(true);
  });

  it('DHT-071: who fails at wrong addresses is asked on another path at others', () => {
    const [a, b, victim] = [contact(), contact(), contact('5.9.9.9')];
    const wrong: Contact = { ...victim, addresses: contact('6.6.6.6').addresses };
    const lookup = new Lookup(SELF, TARGET, [a, b], { ...BOUNDS, paths: 2 });
    const tried: string[] = [];
    for (let turns = lookup.next(); turns.length > 0; turns = lookup.next()) {
      for (const turn of turns) {
        const { contact: one } = turn;
        if (one.peer === a.peer) lookup.named(turn, [wrong]);
        if (one.peer === victim.peer) tried.push(one === wrong ? 'wrong' : 'right');
        if (one === wrong && !tried.includes('right')) {
          lookup.settle(turn, 'failed');
          continue;
        }
        if (one.peer === b.peer) lookup.named(turn, [victim]);
        lookup.settle(turn, 'answered');
      }
    }
    expect(tried).toContain('right');
    expect(lookup.result().contacts.map(({ peer }) => peer)).toContain(victim.peer);
  });

  it('DHT-077: goes on through the whole region', () => {
    const all = contacts(30);
    const bounds = { ...BOUNDS, bucketSize: 4, paths: 1 };
    const near = new Lookup(SELF, TARGET, all.slice(0, 4), bounds);
    expect(run(near, () => all).length).toBe(4);
    const whole = new Lookup(SELF, TARGET, all.slice(0, 4), { ...bounds, radius: 1n << 256n });
    expect(run(whole, () => all).length).toBe(30);
    expect(whole.result().writers.length).toBe(30);
    expect(whole.result().contacts.length).toBe(4);
  });
});
