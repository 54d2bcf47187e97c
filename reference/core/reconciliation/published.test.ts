/** Published answers of two other implementations: riblt in Go, negentropy in JavaScript. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { toHex } from '../bytes.ts';
import { portableCrypto } from '../crypto/portable.ts';
import { siphash24 } from '../crypto/siphash.ts';
import { sipHashWords, sipKey } from '../crypto/siphash-words.ts';
import { createRng } from '../rng.ts';
import { Decoder } from './decoder.ts';
import { advanceWalk, multiplyState, startWalk, stepExactly, stepIndex } from './mapping.ts';
import { answerRanges, continueRanges, openRanges, sortForRanges } from './ranges.ts';
import { type SaltedSet, Salter } from './salted-set.ts';
import { SymbolStream } from './stream.ts';

function published(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../../../vectors/external/reconciliation/${name}`, import.meta.url), 'utf8'));
}

interface Riblt {
  readonly mapping: readonly { readonly seed: string; readonly indices: readonly string[] }[];
  readonly encode: readonly { readonly coded: readonly (readonly [string, string, string])[]; readonly items?: number }[];
}

const riblt = published('riblt-known-answers.json') as Riblt;

/** A set of the publisher's items: numbers, hashed with SHA-256. */
function publishedSet(items: readonly bigint[]): SaltedSet {
  const set: SaltedSet = {
    size: items.length,
    shortLow: new Uint32Array(items.length),
    shortHigh: new Uint32Array(items.length),
    checkLow: new Uint32Array(items.length),
    checkHigh: new Uint32Array(items.length),
  };
  items.forEach((item, at) => {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, item, true);
    const hash = new DataView(Uint8Array.from(createHash('sha256').update(bytes).digest()).buffer);
    set.shortLow[at] = Number(item & 0xffffffffn);
    set.shortHigh[at] = Number(item >> 32n);
    set.checkLow[at] = hash.getUint32(0, true);
    set.checkHigh[at] = hash.getUint32(4, true);
  });
  return set;
}

describe('riblt', () => {
  test.each(riblt.mapping)('RCN-005 seed $seed walks the same symbols', ({ seed, indices }) => {
    const walk = startWalk(Number.parseInt(seed.slice(8), 16), Number.parseInt(seed.slice(0, 8), 16));
    const walked = indices.map(() => {
      advanceWalk(walk);
      return String(walk.index);
    });
    expect(walked).toEqual(indices);
  });

  test.each(riblt.encode.map(({ coded }) => [Number(coded[0]?.[2]), coded] as const))(
    'RCN-006 the first symbols of %i items',
    (count, coded) => {
      const { symbols } = new SymbolStream(publishedSet(Array.from({ length: count }, (_, at) => BigInt(at + 1) * 2_654_435_761n))).take(
        coded.length,
      );
      const ours = coded.map((_, at) => [
        ((BigInt(symbols.sumHigh[at] ?? 0) << 32n) | BigInt(symbols.sumLow[at] ?? 0)).toString(16).padStart(16, '0'),
        ((BigInt(symbols.checkHigh[at] ?? 0) << 32n) | BigInt(symbols.checkLow[at] ?? 0)).toString(16).padStart(12, '0'),
        String(symbols.count[at]),
      ]);
      // Our checks are the lower 48 bits.
      expect(ours).toEqual(coded.map(([sum, check, number]) => [sum, check.slice(4), number]));
    },
  );
});

describe('index steps', () => {
  test('RCN-005 the quick step is the whole-number step, at edges and by chance', () => {
    const rng = createRng(new Uint8Array([5]));
    const halves = [0, 1, 2, 0xffffffff, 0xfffffffe, 0x80000000, 0x7fffffff, 0x40000000, 0x3fffffff];
    for (const index of [0, 1, 2, 7, 100, 6207, 99_999, 2 ** 30]) {
      for (const high of halves) {
        for (const low of halves) {
          const exact = stepExactly(index, low, high);
          expect(stepIndex(index, low, high)).toBe(exact >= 2 ** 31 ? Number.POSITIVE_INFINITY : exact);
        }
      }
      for (let i = 0; i < 2000; i++) {
        const [low, high] = [rng.below(2 ** 32), rng.below(2 ** 32)];
        const exact = stepExactly(index, low, high);
        expect(stepIndex(index, low, high)).toBe(exact >= 2 ** 31 ? Number.POSITIVE_INFINITY : exact);
      }
    }
  });

  test('RCN-005 whole roots and their neighbours', () => {
    for (let index = 0; index < 200; index++) {
      for (const root of [1n, 3n, 5n, 255n, 65_535n, 2n ** 31n, 2n ** 32n - 1n]) {
        for (const r of [root * root - 2n, root * root - 1n, root * root]) {
          if (r < 0n || r >= 2n ** 64n) continue;
          const [low, high] = [Number(r & 0xffffffffn), Number(r >> 32n)];
          const exact = stepExactly(index, low, high);
          expect(stepIndex(index, low, high)).toBe(exact >= 2 ** 31 ? Number.POSITIVE_INFINITY : exact);
        }
      }
    }
  });

  test('RCN-005 states multiply modulo 2^64', () => {
    const rng = createRng(new Uint8Array([6]));
    for (let i = 0; i < 2000; i++) {
      const walk = startWalk(rng.below(2 ** 32), rng.below(2 ** 32));
      const product = (((BigInt(walk.high) << 32n) | BigInt(walk.low)) * 0xda942042e4dd58b5n) & (2n ** 64n - 1n);
      multiplyState(walk);
      expect((BigInt(walk.high) << 32n) | BigInt(walk.low)).toBe(product);
    }
  });

  test('RCN-002, RCN-003 whole words hash as bytes do', () => {
    const rng = createRng(new Uint8Array([7]));
    for (let i = 0; i < 200; i++) {
      const key = rng.bytes(16);
      const data = rng.bytes(8 * (i % 5));
      const out = { low: 0, high: 0 };
      sipHashWords(sipKey(key), new Int32Array(data.slice().buffer), 0, data.length / 8, out);
      const view = new DataView(siphash24(key, data).slice().buffer);
      expect([out.low, out.high]).toEqual([view.getUint32(0, true), view.getUint32(4, true)]);
    }
  });
});

describe('a decoder', () => {
  test('RCN-031, RCN-034 ends whatever it is given', () => {
    const rng = createRng(new Uint8Array([8]));
    for (let run = 0; run < 300; run++) {
      const salt = rng.bytes(16);
      const salter = new Salter(salt);
      const ids = Array.from({ length: 30 }, () => rng.bytes(32));
      const theirs = new SymbolStream(salter.saltAll([...ids, ...Array.from({ length: 20 }, () => rng.bytes(32))])).take(60).symbols;
      for (let hit = 0; hit < 1 + (run % 10); hit++) {
        const at = rng.below(60);
        const fields = [theirs.sumLow, theirs.sumHigh, theirs.checkLow, theirs.count] as const;
        const field = fields[rng.below(4)] ?? theirs.count;
        field[at] = (field[at] ?? 0) ^ (1 << rng.below(8));
      }
      const decoder = new Decoder(salt, salter.saltAll(ids), { stepsPerSymbol: 64 });
      decoder.add(theirs);
      expect(decoder.steps).toBeLessThan(65 * 60 + 60);
    }
  });
});

interface Negentropy {
  readonly cases: readonly {
    readonly case: number;
    readonly shared: number;
    readonly only_client: number;
    readonly only_server: number;
    readonly frame_size_limit: number;
    readonly rounds: number;
    readonly have: number;
    readonly need: number;
    readonly transcript_sha256: string;
  }[];
}

describe('negentropy', () => {
  test.each((published('negentropy-v1-transcripts.json') as Negentropy).cases)(
    'RCN-074 to RCN-080 transcript $case, limit $frame_size_limit',
    (one) => {
      const items = (first: number, count: number) =>
        Array.from({ length: count }, (_, at) => {
          const k = first + at;
          return { time: 1_700_000_000 + ((k * 7919) % 10_007), id: Uint8Array.from(createHash('sha256').update(`item-${k}`).digest()) };
        });
      const shared = items(0, one.shared);
      const side = (own: ReturnType<typeof items>) => ({
        crypto: portableCrypto,
        items: sortForRanges([...shared, ...own]),
        messageBytesMax: one.frame_size_limit,
      });
      const client = side(items(one.shared, one.only_client));
      const server = side(items(one.shared + one.only_client, one.only_server));
      const lines: string[] = [];
      const need = new Set<string>();
      const have = new Set<string>();
      for (let message: Uint8Array | undefined = openRanges(client); message !== undefined && lines.length < 30; ) {
        const answer = answerRanges(server, message);
        if (typeof answer === 'string') throw new Error(answer);
        lines.push(`${toHex(message)}|${toHex(answer)}`);
        const progress = continueRanges(client, answer);
        if (typeof progress === 'string') throw new Error(progress);
        for (const id of progress.need) need.add(id);
        for (const id of progress.have) have.add(id);
        message = progress.next;
      }
      expect([need.size, have.size]).toEqual([one.need, one.have]);
      // A full message ends otherwise than the published ones do (RCN-080).
      if (one.frame_size_limit > 0) return;
      expect(createHash('sha256').update(lines.join('\n')).digest('hex')).toBe(one.transcript_sha256);
      expect(lines.length).toBe(one.rounds);
    },
  );
});
