/**
 * Automatic peers of chapter 07. A holder has records or transactions and answers sketches, ranges and fetches, as a node
 * does or as none should; a puller asks the node for its set and fetches all of it.
 */
import { concat, hex, u8, unhex } from '../../model/bytes.ts';
import { envelopeId, makeEnvelope } from '../../model/envelope.ts';
import { expectedInTable, tableOf } from '../../model/iblt.ts';
import { encodeMessage } from '../../model/message.ts';
import { fingerprintOf, react, type TimedItem, writeRanges } from '../../model/ranges.ts';
import { makeRecord } from '../../model/records.ts';
import {
  type CodedSymbol,
  decodeSketch,
  digestOf,
  expectedInStream,
  isInPartition,
  readSymbols,
  shortId,
  symbolsOf,
  writeSymbols,
} from '../../model/riblt.ts';
import { sipHash24 } from '../../model/siphash.ts';
import { HarnessError } from '../errors.ts';
import type { FrameSpec, Json } from '../plan.ts';
import { messageFrame } from '../plan-values.ts';
import { numberIn, seenMessage, textIn, textsIn } from '../seen.ts';
import type { SeenFields, SeenFrame } from '../trace.ts';
import type { Behaviour, BehaviourKit, BehaviourMaker, Heard, Said } from './behaviour.ts';

/** What a holder does otherwise than a node would. */
const LIES = [
  'none',
  'garbage',
  'symbolsFew',
  'symbolsMany',
  'countAbove',
  'countBelow',
  'sizeMoves',
  'namedTwice',
  'otherItem',
  'itemTwice',
  'noItem',
  'badItem',
  'oneItem',
  'tooLarge',
  'busy',
  'gone',
  'noSet',
  'unknownOutcome',
  'echo',
  'boundsFall',
  'idBomb',
  'rangeCut',
  'endless',
  'halfSilent',
] as const;

type Lie = (typeof LIES)[number];

/** Settings of a holder: how many records, by the staked identities from the first one on, and what it does wrong. */
interface HolderSettings {
  readonly records: number;
  /** Where there are any it holds these, as set 2, in the place of records. */
  readonly transactions: readonly HeldTransaction[];
  readonly from: number;
  readonly lie: Lie;
  /** A lie about symbols goes with this many sketches, then it is honest; 0 for ever. */
  readonly times: number;
  readonly afterMs: number;
  /** Sketches and tables are garbage, so that the node comes to ranges. */
  readonly isGarbage: boolean;
}

/** A transaction of a holder: an entry of 20 bytes, or a transfer to `by` itself; with a defect its signature is wrong. */
interface HeldTransaction {
  readonly by: string;
  readonly nonce: number;
  readonly fee: number;
  readonly until: number;
  /** Ms between its `created_ms` and the begin of the run. */
  readonly ageMs: number;
  readonly isForged: boolean;
}

function transactionSettings(given: Json): HeldTransaction {
  const { by = 'alice', nonce = 5, fee = 100, until = 1_100, ageMs = 0, forged = false } = fieldsOf(given);
  return { by: String(by), nonce: Number(nonce), fee: Number(fee), until: Number(until), ageMs: Number(ageMs), isForged: forged === true };
}

function fieldsOf(settings: Json | undefined): Readonly<Record<string, Json>> {
  if (settings === undefined || settings === null) return {};
  if (typeof settings !== 'object' || Array.isArray(settings)) throw new HarnessError('these settings are an object');
  return settings as Readonly<Record<string, Json>>;
}

function holderSettings(settings: Json | undefined): HolderSettings {
  const { records = 3, transactions = [], from = 1, lie = 'none', times = 0, afterMs = 5, garbage = false } = fieldsOf(settings);
  if (typeof lie !== 'string' || !LIES.includes(lie as Lie)) throw new HarnessError(`no holder lies by ${JSON.stringify(lie)}`);
  return {
    records: Number(records),
    transactions: (transactions as readonly Json[]).map(transactionSettings),
    from: Number(from),
    lie: lie as Lie,
    times: Number(times),
    afterMs: Number(afterMs),
    isGarbage: garbage === true,
  };
}

interface HeldItem extends TimedItem {
  readonly bytes: Uint8Array;
}

/** A record of `stake-<number>`: the same in every plan of a run that asks at the same time. */
function recordOf(kit: BehaviourKit, number: number): HeldItem {
  const { seed, publicKey } = kit.identities.of(`stake-${number}`);
  const wallclockMs = BigInt(kit.wallMs() - 2_000);
  const payload = makeRecord({
    kind: 1,
    instance: wallclockMs - 60_000n,
    sequence: 1n,
    wallclockMs,
    ttlMs: 3_600_000n,
    contact: { roles: 1, region: `held-${number}`, capabilities: ['records/1'] },
  });
  const bytes = makeEnvelope(kit.networkId, 'record', seed, payload);
  return { bytes, id: envelopeId(kit.networkId, 'record', 1, publicKey, payload), time: wallclockMs };
}

/** The same transaction as `transaction()` of the plans makes of these words, when that is resolved as the run begins. */
function transactionOf(kit: BehaviourKit, { by, nonce, fee, until, ageMs, isForged }: HeldTransaction): HeldItem {
  const { seed, publicKey } = kit.identities.of(by);
  const time = BigInt(kit.wallMs() - kit.nowMs() - ageMs);
  const payload = encodeMessage('Transaction', {
    version: 1,
    createdMs: time,
    nonce,
    validUntilSlot: until,
    fee,
    entry: { data: new Uint8Array(20).fill(0x61) },
  });
  const bytes = makeEnvelope(kit.networkId, 'transaction', seed, payload);
  const held = isForged ? bytes.map((byte, at) => (at === bytes.length - 1 ? byte ^ 1 : byte)) : bytes;
  return { bytes: held, id: envelopeId(kit.networkId, 'transaction', 1, publicKey, payload), time };
}

const RECORDS_SET = 1;
const TRANSACTIONS_SET = 2;

/** What is answered for a set that is not kept. */
const NO_SET = 5;

/** Garbage claims to be of few items, so that whoever estimates the difference goes on asking. */
const GARBAGE_SIZE = 3;

const holder: BehaviourMaker = (given, kit): Behaviour => {
  const settings = holderSettings(given);
  const isOfTransactions = settings.transactions.length > 0;
  const items = isOfTransactions
    ? settings.transactions.map((one) => transactionOf(kit, one))
    : Array.from({ length: settings.records }, (_, i) => recordOf(kit, settings.from + i));
  const heldSet = isOfTransactions ? TRANSACTIONS_SET : RECORDS_SET;
  const other = recordOf(kit, 40);
  let sketches = 0;
  let salt: Uint8Array = new Uint8Array(16);
  return {
    hear(event: Heard): readonly Said[] {
      if (event.type !== 'frame') return [];
      const reply = answer(event.frame);
      return reply === undefined ? [] : [{ link: event.link, frames: [reply], afterMs: settings.afterMs }];
    },
  };

  function answer(frame: SeenFrame): FrameSpec | undefined {
    const sketch = seenMessage(frame, 'SketchRequest');
    if (sketch !== undefined) return answerSketch(frame, sketch);
    const range = seenMessage(frame, 'RangeRequest');
    if (range !== undefined) return answerRange(frame, range);
    const fetch = seenMessage(frame, 'FetchRequest');
    return fetch === undefined ? undefined : answerFetch(frame, fetch);
  }

  function answerSketch(frame: SeenFrame, asked: SeenFields): FrameSpec | undefined {
    const first = numberIn(asked, 'first');
    if (first === 0) sketches += 1;
    const isStill = settings.times === 0 || sketches <= settings.times;
    const lie = !isStill ? 'none' : settings.isGarbage ? 'garbage' : settings.lie;
    if (lie === 'halfSilent') return undefined;
    const reply = (fields: Record<string, string | number>): FrameSpec => messageFrame('SketchReply', fields, frame.requestId);
    if (lie === 'busy') return reply({ outcome: 2 });
    if (lie === 'tooLarge') return reply({ outcome: 3, size: 1000 });
    if (lie === 'gone') return reply({ outcome: 4 });
    if (lie === 'unknownOutcome') return reply({ outcome: 77 });
    if (numberIn(asked, 'set') !== heldSet || lie === 'noSet') return reply({ outcome: NO_SET });
    salt = unhex(textIn(asked, 'salt'));
    const ids = items.map(({ id }) => id).filter((id) => isInPartition(id, numberIn(asked, 'prefixBits'), numberIn(asked, 'prefix')));
    if (first === 0 && textIn(asked, 'digest') === hex(digestOf(salt, ids))) return reply({ outcome: 1, size: ids.length });
    const cells = numberIn(asked, 'cells');
    const count = numberIn(asked, 'count');
    const symbols = cells > 0 ? tableOf(salt, ids, cells) : symbolsOf(salt, ids, first, count);
    const size = lie === 'garbage' ? GARBAGE_SIZE : ids.length + (lie === 'sizeMoves' && first > 0 ? 1 : 0);
    const bent = bend(symbols, lie, size, first);
    const expected = cells > 0 ? expectedInTable(size, cells) : expectedInStream(size, first);
    return reply({ size, symbols: hex(writeSymbols(bent, expected)) });
  }

  function bend(symbols: readonly CodedSymbol[], lie: Lie, size: number, first: number): readonly CodedSymbol[] {
    const last = symbols.at(-1);
    if (last === undefined) return symbols;
    const but = (count: number): readonly CodedSymbol[] => [...symbols.slice(0, -1), { ...last, count }];
    switch (lie) {
      case 'garbage':
        return symbols.map((_, at) => ({
          sum: sipHash24(salt, u8((first + at) % 256)),
          check: sipHash24(salt, concat(u8((first + at) % 256), u8(1))).slice(0, 6),
          count: Math.floor((2 * size) / (first + at + 2)),
        }));
      case 'symbolsFew':
        return symbols.slice(0, -1);
      case 'symbolsMany':
        return [...symbols, last];
      case 'countAbove':
        return but(size + 1);
      case 'countBelow':
        return but(-1);
      case 'namedTwice':
        // Every symbol holds the first item alone: it is named where its walk does not pass.
        return symbols.map(
          () =>
            symbolsOf(
              salt,
              items.slice(0, 1).map(({ id }) => id),
              0,
              1,
            )[0] ?? last,
        );
      default:
        return symbols;
    }
  }

  function answerRange(frame: SeenFrame, asked: SeenFields): FrameSpec | undefined {
    if (settings.lie === 'halfSilent') return undefined;
    if (numberIn(asked, 'set') !== heldSet) return messageFrame('RangeReply', { outcome: NO_SET }, frame.requestId);
    const reply = (message: Uint8Array): FrameSpec => messageFrame('RangeReply', { message: hex(message) }, frame.requestId);
    const zeros = new Uint8Array(16);
    const end = concat(u8(0), u8(0));
    switch (settings.lie) {
      case 'echo':
        return reply(concat(u8(0x61), end, u8(1), sipHash24(zeros, unhex(textIn(asked, 'message'))), zeros.slice(0, 8)));
      case 'boundsFall':
        return reply(concat(u8(0x61), u8(9), u8(0), u8(0), u8(1), u8(0), u8(0), end, u8(0)));
      case 'idBomb':
        return reply(concat(u8(0x61), end, u8(2), u8(0x8f), new Uint8Array(6).fill(255), u8(127)));
      case 'rangeCut':
        return reply(
          writeRanges([{ end: { time: undefined, id: new Uint8Array() }, mode: 'fingerprint', fingerprint: zeros }]).slice(0, -1),
        );
      case 'endless': {
        const half = { time: BigInt(kit.wallMs()) / 2n, id: new Uint8Array() };
        const all = { time: undefined, id: new Uint8Array() };
        const print = fingerprintOf([sipHash24(zeros, unhex(textIn(asked, 'message')))].map((short) => concat(short, short, short, short)));
        return reply(
          writeRanges([
            { end: half, mode: 'fingerprint', fingerprint: print },
            { end: all, mode: 'fingerprint', fingerprint: print },
          ]),
        );
      }
      default: {
        const reaction = react(items, unhex(textIn(asked, 'message')), false, kit.parameter('reconcile.range_bytes_max'));
        if ('clause' in reaction) throw new HarnessError('a node sends range messages in order');
        return reply(reaction.message);
      }
    }
  }

  function answerFetch(frame: SeenFrame, asked: SeenFields): FrameSpec | undefined {
    const byShort = new Map(items.map((item) => [hex(shortId(salt, item.id)), item]));
    const byId = new Map(items.map((item) => [hex(item.id), item]));
    const found = [
      ...textsIn(asked, 'shortIds').flatMap((short) => byShort.get(short) ?? []),
      ...textsIn(asked, 'ids').flatMap((id) => byId.get(id) ?? []),
    ];
    const reply = (list: readonly HeldItem[]): FrameSpec =>
      messageFrame('FetchReply', { items: list.map(({ bytes }) => hex(bytes)) }, frame.requestId);
    switch (settings.lie) {
      case 'otherItem':
        return reply([...found.slice(0, -1), other]);
      case 'itemTwice':
        return reply([...found, ...found.slice(0, 1)]);
      case 'noItem':
        return reply([]);
      case 'badItem':
        return reply(
          found.map((item) => ({ ...item, bytes: item.bytes.map((byte, at) => (at === item.bytes.length - 1 ? byte ^ 1 : byte)) })),
        );
      case 'oneItem':
        return reply(found.slice(0, 1));
      default:
        return reply(found);
    }
  }
};

/** Settings of a puller: the moments after the session at which it begins, its partition, and the longest it waits between symbols. */
interface PullerSettings {
  readonly set: number;
  readonly atMs: readonly number[];
  readonly prefixBits: number;
  readonly prefix: number;
  readonly first: number;
  readonly more: number;
  readonly pauseMs: number;
  readonly fetch: boolean;
  /** From the second time on it gives the digest of what it found. */
  readonly digest: 'none' | 'found' | 'other';
  readonly cells: number;
}

function pullerSettings(settings: Json | undefined): PullerSettings {
  const {
    set = RECORDS_SET,
    atMs = [0],
    prefixBits = 0,
    prefix = 0,
    first = 32,
    more = 16,
    pauseMs = 5,
    fetch = true,
    digest = 'none',
    cells = 0,
  } = fieldsOf(settings);
  return {
    set: Number(set),
    atMs: (atMs as readonly number[]) ?? [0],
    prefixBits: Number(prefixBits),
    prefix: Number(prefix),
    first: Number(first),
    more: Number(more),
    pauseMs: Number(pauseMs),
    fetch: fetch === true,
    digest: digest as PullerSettings['digest'],
    cells: Number(cells),
  };
}

const puller: BehaviourMaker = (given, kit): Behaviour => {
  const settings = pullerSettings(given);
  let link = -1;
  let salt: Uint8Array = new Uint8Array(16);
  let begun = 0;
  let size = 0;
  let symbols: CodedSymbol[] = [];
  let found: readonly string[] = [];
  return {
    hear(event: Heard): readonly Said[] {
      if (event.type === 'sessionUp') {
        link = event.link;
        return settings.atMs.map((afterMs) => ({ wake: 'begin', afterMs }));
      }
      if (event.type === 'due') return event.wake === 'begin' ? begin() : [{ link, frames: [request(symbols.length, settings.more)] }];
      return event.type === 'frame' ? take(event.frame) : [];
    },
  };

  function request(first: number, count: number, digest = ''): FrameSpec {
    const { prefixBits, prefix, cells } = settings;
    return messageFrame('SketchRequest', {
      set: settings.set,
      salt: hex(salt),
      prefixBits,
      prefix,
      first,
      count: cells > 0 ? 0 : count,
      cells,
      digest,
    });
  }

  function begin(): readonly Said[] {
    begun += 1;
    salt = sipHash24(new Uint8Array(16), concat(kit.self.peerId, u8(begun % 256)));
    salt = concat(salt, salt);
    symbols = [];
    return [{ link, frames: [request(0, settings.first, begun > 1 ? digest() : '')] }];
  }

  function digest(): string {
    if (settings.digest === 'none') return '';
    const exact = hex(digestOf(salt, found.map(unhex)));
    return settings.digest === 'found' ? exact : `${exact.startsWith('0') ? '1' : '0'}${exact.slice(1)}`;
  }

  function take(frame: SeenFrame): readonly Said[] {
    const reply = seenMessage(frame, 'SketchReply');
    const fetched = seenMessage(frame, 'FetchReply');
    if (fetched !== undefined) {
      found = (fetched['items'] as readonly { readonly id?: string }[]).flatMap(({ id }) => id ?? []);
      return [];
    }
    if (reply === undefined || numberIn(reply, 'outcome') !== 0 || settings.cells > 0) return [];
    size = numberIn(reply, 'size');
    const count = symbols.length === 0 ? settings.first : settings.more;
    const read = readSymbols(unhex(textIn(reply, 'symbols')), count, size, expectedInStream(size, symbols.length));
    if (read === undefined) return [];
    symbols = [...symbols, ...read];
    const decoding = decodeSketch(salt, [], symbols);
    if (decoding.outcome === 'more' && symbols.length < 400) return [{ wake: 'more', afterMs: settings.pauseMs }];
    if (decoding.outcome !== 'decoded' || !settings.fetch || decoding.theirs.length === 0) return [];
    return [{ link, frames: [messageFrame('FetchRequest', { set: settings.set, shortIds: [...decoding.theirs] })], afterMs: 5 }];
  }
};

/** By the names that plans use. */
export const reconciliationBehaviours: Readonly<Record<string, BehaviourMaker>> = {
  'reconcile.holder': holder,
  'reconcile.puller': puller,
};
