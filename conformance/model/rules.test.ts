import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hex, sha256, unhex, utf8 } from './bytes.ts';
import { publicKey } from './ed25519.ts';
import { encodeEnvelope, judgeEnvelope, makeAppPayload, makeEnvelope, readEnvelope, seeEnvelope } from './envelope.ts';
import { activeSize, type CreditedLink, decay, isServed, isTopic, judgeMessage, keptLinks, score } from './gossip.ts';
import { areCapabilities, intersectCapabilities, isAddress, sessionMinor } from './hello.ts';
import { PRESETS, parseParameterTables, presetParameters } from './parameters.ts';
import { admit, ClassBuckets } from './rate.ts';

describe('active size', () => {
  test('GSP-030: agrees with the formula in floating point', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 1_000_000 }), (size) => {
        expect(activeSize(size)).toBe(Math.max(6, Math.ceil(Math.log(size) + 5)));
      }),
    );
    expect([0, 1].map((size) => activeSize(size))).toEqual([6, 6]);
    expect(activeSize(2n ** 64n - 1n)).toBe(50);
    expect(activeSize(2, 9)).toBe(9);
  });
});

describe('rates', () => {
  test('SES-060: agrees with a bucket that is filled millisecond by millisecond', () => {
    const arrivals = fc.array(fc.tuple(fc.nat({ max: 40 }), fc.nat({ max: 30 })), { maxLength: 30 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 400 }), arrivals, (rate, gaps) => {
        let nowMs = 0;
        const frames = gaps.map(([gap, cost]) => {
          nowMs += gap;
          return { atMs: nowMs, cost };
        });
        let units = 2_000 * rate;
        let clock = 0;
        const expected = frames.map(({ atMs, cost }) => {
          for (; clock < atMs; clock++) units = Math.min(2_000 * rate, units + rate);
          if (units < cost * 1_000) return false;
          units -= cost * 1_000;
          return true;
        });
        expect(admit(rate, frames)).toEqual(expected);
      }),
    );
  });

  test('SES-060: when one bucket lacks the cost, neither is charged', () => {
    const buckets = new ClassBuckets(1, 100, 0);
    expect(buckets.pass(0, 201)).toBe(false);
    expect(buckets.pass(0, 200)).toBe(true);
    expect(buckets.pass(0, 1)).toBe(false);
    expect(buckets.pass(10, 1)).toBe(true);
    expect(buckets.pass(999, 0)).toBe(false);
    expect(buckets.pass(1_000, 1)).toBe(true);
  });
});

describe('pruning', () => {
  const link = (id: number, credits: number, stake = 0): CreditedLink => ({ peerId: new Uint8Array(32).fill(id), credits, stake });
  const rule = { ownStake: 1_000, originStake: 1_000, keepMin: 2, stakePercent: 15 };
  const kept = (links: readonly CreditedLink[], other: Partial<typeof rule> = {}): number[] =>
    keptLinks({ ...rule, ...other, links }).map((one) => one.peerId[0] ?? 0);

  test('GSP-072: in order of credits, then stake, then PeerId, at least two', () => {
    expect(kept([link(1, 5), link(2, 9), link(3, 7)], { originStake: 0 })).toEqual([2, 3]);
    expect(kept([link(1, 5, 10), link(2, 5, 20), link(3, 5, 15)], { originStake: 0 })).toEqual([2, 3]);
    expect(kept([link(3, 5), link(1, 5), link(2, 5)], { originStake: 0 })).toEqual([1, 2]);
  });

  test('GSP-072: as many more as the stake share needs, of the smaller stake, and all if it is never reached', () => {
    expect(kept([link(1, 9), link(2, 8), link(3, 7, 149), link(4, 6, 1), link(5, 5)])).toEqual([1, 2, 3, 4]);
    expect(kept([link(1, 9), link(2, 8), link(3, 7, 150), link(4, 6, 1)])).toEqual([1, 2, 3]);
    expect(kept([link(1, 9), link(2, 8), link(3, 7, 15), link(4, 6, 1)], { ownStake: 100 })).toEqual([1, 2, 3]);
    expect(kept([link(1, 9), link(2, 8)], {})).toEqual([1, 2]);
    expect(kept([link(1, 9)], { keepMin: 2 })).toEqual([1]);
    expect(kept([])).toEqual([]);
  });
});

describe('score', () => {
  const parameters = presetParameters('conformance');
  const none = { first: 0, invalid: 0, behaviour: 0, colocated: 1 };

  test('the formula of chapter 05, term by term', () => {
    expect(score(none, parameters)).toBe(0);
    expect(score({ ...none, first: 50 }, parameters)).toBe(5);
    expect(score({ ...none, first: 5_000 }, parameters)).toBe(10);
    expect(score({ ...none, invalid: 10 }, parameters)).toBe(-100);
    expect(score({ ...none, behaviour: 6 }, parameters)).toBe(0);
    expect(score({ ...none, behaviour: 9 }, parameters)).toBe(-9);
    expect(score({ ...none, colocated: 12 }, parameters)).toBe(-20);
    expect(() => score(none, {})).toThrow(RangeError);
  });

  test('decay multiplies, and ends at 0 below 0.01', () => {
    expect(decay({ first: 10, invalid: 10, behaviour: 10, colocated: 3 }, parameters)).toEqual({
      first: 9,
      invalid: 9.9,
      behaviour: 9.9,
      colocated: 3,
    });
    expect(decay({ ...none, first: 0.011 }, parameters).first).toBe(0);
  });
});

describe('messages and envelopes', () => {
  const network = utf8('net');
  const seed = new Uint8Array(32).fill(9);

  test('GSP-021: a sealed message is accepted on its network, at its time, and nowhere else', () => {
    fc.assert(
      fc.property(fc.integer({ min: -61_000, max: 1_000 }), fc.nat({ max: 40 }), fc.uint8Array({ maxLength: 50 }), (offset, hops, data) => {
        const wall = 1_700_000_000_000;
        const envelope = makeEnvelope(
          network,
          'app',
          seed,
          makeAppPayload({ createdMs: wall + offset, topic: 'app/a', sequence: 1, data }),
        );
        const judged = judgeMessage(network, 'app/a', wall, hops, envelope);
        const expected = hops <= 32 && offset >= -60_000 && offset <= 500;
        expect(judged.verdict).toBe(expected ? 'accept' : 'ignore');
        expect(judgeEnvelope(utf8('other'), 'app', envelope).code).toBe('E_SIGNATURE');
      }),
      { numRuns: 25 },
    );
  });

  test('IDN-031: a changed signature leaves the id, not the hash; what does not decode has none', () => {
    const payload = makeAppPayload({ createdMs: 5, topic: 'app/a', sequence: 1, data: utf8('x') });
    const good = makeEnvelope(network, 'app', seed, payload);
    const fields = readEnvelope(good);
    if (fields === undefined) throw new Error('the envelope can be read');
    const bad = encodeEnvelope({ ...fields, signature: new Uint8Array(64) });
    expect(seeEnvelope(network, bad).id).toBe(seeEnvelope(network, good).id);
    expect(seeEnvelope(network, bad).hash).not.toBe(seeEnvelope(network, good).hash);
    expect(seeEnvelope(network, good)).toMatchObject({ createdMs: 5n, hash: hex(sha256(good)) });
    expect(fields.publicKey).toEqual(publicKey(seed));
    expect(seeEnvelope(network, unhex('ff')).id).toBeUndefined();
  });

  test('GSP-001, GSP-012: forms of topics', () => {
    expect(['app/a', 'tx', 'app/a/b', 'App/a', '', 'a'.repeat(65)].map(isTopic)).toEqual([true, true, true, false, false, false]);
    expect(['app/a', 'tx', 'app/a/b', 'app/', `app/${'n'.repeat(33)}`].map(isServed)).toEqual([true, false, false, false, false]);
  });
});

describe('hello', () => {
  test('SES-021, SES-022: lists in order, and what they have in common', () => {
    expect(areCapabilities(['direct/1', 'gossip/1'])).toBe(true);
    expect(areCapabilities(['gossip/1', 'direct/1'])).toBe(false);
    expect(areCapabilities(['gossip/1', 'gossip/1'])).toBe(false);
    expect(areCapabilities(['gossip/01'])).toBe(false);
    expect(intersectCapabilities(['a/1', 'b/1'], ['b/1', 'c/1'])).toEqual(['b/1']);
    expect(intersectCapabilities(['direct/1', 'gossip/1'], ['direct/1', 'gossip/1'])).toEqual(['gossip/1']);
    expect(intersectCapabilities(['direct/1', 'gossip/1'], ['direct/1'])).toEqual(['direct/1']);
  });

  test('SES-019, SES-020: the highest common version does not depend on the sides', () => {
    const range = fc.tuple(fc.nat({ max: 9 }), fc.nat({ max: 9 })).map(([min, max]) => ({ min, max }));
    fc.assert(
      fc.property(range, range, (one, other) => {
        const common = Array.from({ length: 10 }, (_, minor) => minor).filter((minor) =>
          [one, other].every(({ min, max }) => min <= minor && minor <= max),
        );
        const expected = common.at(-1);
        expect(sessionMinor(one, other)).toBe(expected === undefined ? undefined : BigInt(expected));
        expect(sessionMinor(other, one)).toBe(sessionMinor(one, other));
      }),
    );
  });

  test('SES-024: one host of the right size, and a port', () => {
    expect(isAddress({ ip4: new Uint8Array(4), port: 1 })).toBe(true);
    expect(isAddress({ dns: 'a.example', port: 65_535 })).toBe(true);
    expect(isAddress({ ip4: new Uint8Array(5), port: 1 })).toBe(false);
    expect(isAddress({ dns: 'A', port: 1 })).toBe(false);
    expect(isAddress({ ip4: new Uint8Array(4), port: 0 })).toBe(false);
    expect(isAddress({ ip4: new Uint8Array(4), port: 65_536 })).toBe(false);
    expect(isAddress({ port: 1 })).toBe(false);
  });
});

describe('parameters', () => {
  test('every preset has every parameter of chapter 19', () => {
    const names = PRESETS.map((preset) => Object.keys(presetParameters(preset)).sort().join());
    expect(new Set(names).size).toBe(1);
    expect(presetParameters('conformance')).toMatchObject({
      'gossip.hops_max': 32,
      'clock.past_ms_max': 60_000,
      'rate.control.messages_per_s': 20,
      'gossip.mode': 'alongside',
      'score.graylist_min': -100,
      'score.first_decay': 0.9,
    });
    expect(presetParameters('main')['session.half_open_max']).toBe(256);
    expect(() => presetParameters('other')).toThrow('found "other"');
  });

  test('a line with too few columns is an error, a relation is none', () => {
    expect(() => parseParameterTables('| `a.b` | ms | 1 |')).toThrow('expected 10 columns');
    expect(parseParameterTables('| `a.b` | a reason |')).toEqual([]);
  });
});
