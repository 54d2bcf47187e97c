/** Worked examples in numbers, computed by the model, and tables that are drawn from the clauses. */
import { type Clause, readSpec } from '../conformance/clauses/spec.ts';
import { bodyFault } from '../conformance/model/bodies.ts';
import { concat, hex, unhex, utf8 } from '../conformance/model/bytes.ts';
import { encodeEnvelope, judgeEnvelope, makeAppPayload, makeEnvelope, readEnvelope } from '../conformance/model/envelope.ts';
import { frameNamed, splitPlaintext } from '../conformance/model/frame.ts';
import { activeSize, type CreditedLink, decay, judgeMessage, keptLinks, type ScoreCounts, score } from '../conformance/model/gossip.ts';
import { intersectCapabilities, sessionMinor } from '../conformance/model/hello.ts';
import { presetParameters } from '../conformance/model/parameters.ts';
import { Bucket } from '../conformance/model/rate.ts';
import { decodeUvarint, encodeUvarint } from '../conformance/model/uvarint.ts';
import { ALICE, CREATED_MS, MESSAGE, NETWORK, PAYLOAD, TOPIC } from './spec-example-bytes.ts';
import { group, table } from './spec-example-form.ts';

const code = (text: string): string => `\`${text}\``;

export function uvarintExample(): string {
  const values = [0n, 1n, 127n, 128n, 300n, 60_000n, 1_700_000_000_000n, 2n ** 64n - 1n];
  const right = values.map((value) => [code(hex(encodeUvarint(value))), group(value)]);
  const wrong = ['8000', 'ac8200', 'ffffffffffffffffff02', '8080808080808080808001', '80', ''].map((digits) => {
    const { fault, end } = decodeUvarint(unhex(digits));
    if (fault === undefined) throw new Error(`${digits} is a uvarint of ${end} bytes`);
    return [digits === '' ? '(none)' : code(digits), `malformed, ${fault}`];
  });
  return table(['bytes', 'value'], [...right, ...wrong]);
}

/** Byte at `index` (from the end if negative) changed in one bit. */
function spoil(bytes: Uint8Array, index: number): Uint8Array {
  const spoiled = Uint8Array.from(bytes);
  const at = index < 0 ? bytes.length + index : index;
  spoiled[at] = (spoiled[at] ?? 0) ^ 1;
  return spoiled;
}

export function envelopeVerdictExample(): string {
  const fields = readEnvelope(MESSAGE);
  if (fields === undefined) throw new Error('the example message can be read');
  const sealedFor = (context: string): Uint8Array => makeEnvelope(NETWORK, context, ALICE.seed, PAYLOAD);
  const versionTwo = concat(Uint8Array.of(0x08, 0x02), PAYLOAD.slice(2));
  const cases: readonly (readonly [string, Uint8Array, Uint8Array?])[] = [
    ['as it stands', MESSAGE],
    ['last byte of the signature changed', spoil(MESSAGE, -1)],
    ['judged in the network "other"', MESSAGE, utf8('other')],
    ['context `record`, signed as such', sealedFor('record')],
    ['context `record` written over `app`', encodeEnvelope({ ...fields, context: 'record' })],
    ['key type 2', encodeEnvelope({ ...fields, keyType: 2 })],
    ['signature of 63 bytes', encodeEnvelope({ ...fields, signature: fields.signature.slice(1) })],
    ['payload version 2, signed as such', makeEnvelope(NETWORK, 'app', ALICE.seed, versionTwo)],
    ['field 9 behind the payload, signed as such', makeEnvelope(NETWORK, 'app', ALICE.seed, concat(PAYLOAD, unhex('4801')))],
    ['one byte behind the envelope', concat(MESSAGE, Uint8Array.of(0))],
  ];
  const rows = cases.map(([name, bytes, network]) => {
    const { verdict, code: error, clause } = judgeEnvelope(network ?? NETWORK, 'app', bytes);
    return [name, verdict, error === '' ? '–' : error, clause === '' ? '–' : clause];
  });
  return table(['the envelope above', 'verdict', 'code', 'clause'], rows);
}

export function frameFaultExample(): string {
  const cases: readonly (readonly [string, string])[] = [
    ['', 'no frame at all'],
    ['8c000201', 'the length takes more bytes than it needs'],
    ['07ffffffff1f01', 'the kind is 2^32 or above'],
    ['0c02010a08', 'the plaintext ends before the frame'],
    ['00', 'no room for a kind'],
    ['0102', 'no room for a request id'],
    ['0b04010a080011223344556677', 'the Pong below with length 11: its last byte becomes the length of another frame'],
  ];
  const rows = cases.map(([digits, meaning]) => {
    const { frames, error, clause } = splitPlaintext(unhex(digits));
    if (error === undefined) throw new Error(`${digits} is in order`);
    return [digits === '' ? '(none)' : code(digits), meaning, String(frames.length), `${error}, ${clause}`];
  });
  return table(['plaintext', 'what is wrong', 'frames before it', 'close with'], rows);
}

export function bodyFaultExample(): string {
  const id = `0a20${'00'.repeat(32)}`;
  const cases: readonly (readonly [frame: string, digits: string, meaning: string])[] = [
    ['Ping', '0a080011223344556677', 'as it should be'],
    ['Ping', '0a080011', 'ends inside the nonce'],
    ['Ping', '0a0700112233445566', 'a nonce of 7 bytes'],
    ['Ping', '', 'no nonce'],
    ['Ping', '0a010012080011223344556677', 'a nonce of 1 byte; field 2 is unknown'],
    ['Ping', '0a01000a080011223344556677', 'two nonces, the last of 8 bytes'],
    ['Ping', '0a0800112233445566774801', 'an unknown field behind the nonce'],
    ['Graft', id, 'one origin'],
    ['Graft', '', 'no origin'],
    ['Graft', id.repeat(33), '33 origins'],
  ];
  const rows = cases.map(([name, digits, meaning]) => {
    const body = unhex(digits);
    const shown = digits === '' ? '(none)' : code(digits.length > 40 ? `${digits.slice(0, 16)}…` : hex(body));
    return [name, shown, meaning, bodyFault(frameNamed(name).kind, body) ?? 'taken'];
  });
  return table(['frame', 'body', 'what it is', 'reaction'], rows);
}

export function capabilityExample(): string {
  const cases: readonly (readonly [readonly string[], readonly string[]])[] = [
    [
      ['direct/1', 'gossip/1'],
      ['direct/1', 'gossip/1'],
    ],
    [['direct/1', 'gossip/1'], ['direct/1']],
    [['direct/1'], ['gossip/1']],
    [
      ['gossip/1', 'gossip/2'],
      ['gossip/1', 'x-trial/1'],
    ],
  ];
  const shown = (list: readonly string[]): string => (list.length === 0 ? 'nothing' : list.map(code).join(' '));
  return table(
    ['one hello', 'other hello', 'the session has'],
    cases.map(([one, other]) => [shown(one), shown(other), shown(intersectCapabilities(one, other))]),
  );
}

export function minorExample(): string {
  const ranges: readonly (readonly [readonly [number, number], readonly [number, number]])[] = [
    [
      [0, 0],
      [0, 0],
    ],
    [
      [0, 2],
      [1, 5],
    ],
    [
      [0, 0],
      [1, 3],
    ],
    [
      [2, 1],
      [0, 3],
    ],
  ];
  const rows = ranges.map(([one, other]) => {
    const minor = sessionMinor({ min: one[0], max: one[1] }, { min: other[0], max: other[1] });
    return [`${one[0]} to ${one[1]}`, `${other[0]} to ${other[1]}`, minor === undefined ? 'close with E_VERSION' : String(minor)];
  });
  return table(['one range', 'other range', 'minor version'], rows);
}

/** Whole messages that a bucket holds. */
function wholeMessages(bucket: Bucket, atMs: number): number {
  let count = 0;
  while (bucket.holds(atMs, count + 1)) count++;
  return count;
}

export function rateExample(): string {
  const rate = 20;
  const bucket = new Bucket(rate, 0);
  const arrivals: readonly (readonly [atMs: number, frames: number])[] = [
    [0, 30],
    [0, 15],
    [49, 1],
    [50, 1],
    [99, 1],
    [100, 2],
    [1_100, 25],
    [60_000, 41],
  ];
  const rows = arrivals.map(([atMs, frames]) => {
    const before = wholeMessages(bucket, atMs);
    let passed = 0;
    for (let i = 0; i < frames; i++) {
      if (!bucket.holds(atMs, 1)) continue;
      bucket.charge(atMs, 1);
      passed++;
    }
    return [group(atMs), String(frames), String(before), String(passed), String(frames - passed)];
  });
  return table(['time in ms', 'frames arrive', 'bucket holds', 'pass', 'overruns'], rows);
}

export function activeSizeExample(): string {
  const sizes = [0, 1, 2, 3, 8, 20, 21, 54, 55, 100, 148, 149, 403, 404, 500, 1_000, 1_096, 1_097, 2_000, 10_000, 1_000_000];
  return table(
    ['N', 'active size'],
    sizes.map((size) => [group(size), String(activeSize(size))]),
  );
}

export function timeWindowExample(): string {
  const rows = [-60_001n, -60_000n, 0n, 500n, 501n].map((offset) => {
    const payload = makeAppPayload({ createdMs: CREATED_MS + offset, topic: TOPIC, sequence: 7n, data: utf8('hello') });
    const judged = judgeMessage(NETWORK, TOPIC, CREATED_MS, 0, makeEnvelope(NETWORK, 'app', ALICE.seed, payload));
    const shown = `${offset < 0n ? '−' : '+'}${group(offset < 0n ? -offset : offset)} ms`;
    return [shown, judged.verdict, judged.code === '' ? '–' : `${judged.code}, ${judged.clause}`];
  });
  return table(['`created_ms` against the wall clock', 'verdict', 'code'], rows);
}

export function keptLinksExample(): string {
  const links: readonly (CreditedLink & { readonly name: string })[] = [
    { name: 'A', credits: 14, stake: 40, peerId: Uint8Array.of(5) },
    { name: 'B', credits: 11, stake: 0, peerId: Uint8Array.of(4) },
    { name: 'C', credits: 11, stake: 90, peerId: Uint8Array.of(3) },
    { name: 'D', credits: 3, stake: 400, peerId: Uint8Array.of(2) },
    { name: 'E', credits: 0, stake: 0, peerId: Uint8Array.of(1) },
  ];
  const shares: readonly (readonly [own: number, origin: number])[] = [
    [1_000, 0],
    [1_000, 800],
    [1_000, 2_000],
    [8_000, 9_000],
  ];
  const rows = shares.map(([ownStake, originStake]) => {
    const kept = new Set(keptLinks({ links, ownStake, originStake, keepMin: 2, stakePercent: 15 }).map((link) => link.peerId[0]));
    const named = (isKept: boolean): string =>
      links
        .filter((link) => kept.has(link.peerId[0]) === isKept)
        .map((link) => link.name)
        .join(' ') || 'none';
    return [group(ownStake), group(originStake), named(true), named(false)];
  });
  const pushed = links.map((link) => [link.name, String(link.credits), String(link.stake)]);
  return [table(['link', 'credits', 'stake of its peer'], pushed), '', table(['own stake', "origin's stake", 'kept', 'pruned'], rows)].join(
    '\n',
  );
}

export function scoreExample(): string {
  const parameters = presetParameters('main');
  const counts = (first: number, invalid: number, behaviour: number, colocated: number): ScoreCounts => ({
    first,
    invalid,
    behaviour,
    colocated,
  });
  const cases = [
    counts(0, 0, 0, 1),
    counts(50, 0, 0, 1),
    counts(500, 0, 0, 1),
    counts(0, 4, 0, 1),
    counts(0, 5, 0, 1),
    counts(0, 10, 0, 1),
  ];
  const more = [
    counts(0, 11, 0, 1),
    counts(100, 10, 0, 1),
    counts(0, 0, 6, 1),
    counts(0, 0, 11, 1),
    counts(0, 0, 17, 1),
    counts(0, 0, 0, 13),
  ];
  const gossipMin = Number(parameters['score.gossip_min']);
  const graylistMin = Number(parameters['score.graylist_min']);
  const rows = [...cases, ...more].map((one) => {
    const points = score(one, parameters);
    const standing = points < graylistMin ? 'closed' : points < gossipMin ? 'no gossip' : 'full';
    return [one.first, one.invalid, one.behaviour, one.colocated, points, standing].map(String);
  });
  return table(['F', 'I', 'B', 'C', 'score', 'standing'], rows);
}

/** How long a peer with `invalid` rejected envelopes waits until its score is back at a limit, in decay intervals. */
function intervalsUntil(limit: number, invalid: number, parameters: Readonly<Record<string, number | string>>): number {
  let counts: ScoreCounts = { first: 0, invalid, behaviour: 0, colocated: 1 };
  let intervals = 0;
  while (score(counts, parameters) < limit) {
    counts = decay(counts, parameters);
    intervals++;
  }
  return intervals;
}

export function decayExample(): string {
  const parameters = presetParameters('main');
  const rows = [11, 20, 50].map((invalid) => [
    String(invalid),
    group(intervalsUntil(Number(parameters['score.graylist_min']), invalid, parameters)),
    group(intervalsUntil(Number(parameters['score.gossip_min']), invalid, parameters)),
  ]);
  return table(['I', 'intervals until a session is taken again', 'intervals until announcements count again'], rows);
}

/** Ids in their order, three or more in a row as a range. */
function ranges(ids: readonly string[]): string {
  const runs: string[][] = [];
  for (const id of ids) {
    const run = runs.at(-1);
    const before = run?.at(-1);
    const follows = before !== undefined && before.slice(0, 4) === id.slice(0, 4) && Number(before.slice(4)) + 1 === Number(id.slice(4));
    if (run !== undefined && follows) run.push(id);
    else runs.push([id]);
  }
  return runs.map((run) => (run.length > 2 ? `${run[0]} to ${run.at(-1)}` : run.join(', '))).join(', ');
}

/** Which clauses name a code, code by code in the order of their numbers. `order` are the names that the table has to hold. */
export function codeUse(clauses: readonly Clause[], order: readonly string[]): string {
  const rows = order.map((name) => {
    const ids = clauses.filter((clause) => clause.code === name).map((clause) => clause.id);
    return [name, ids.length === 0 ? '–' : ranges(ids)];
  });
  return table(['name', 'clauses'], rows);
}

/** Clauses of the chapters as they stand. */
export function clausesOf(directory: string): readonly Clause[] {
  return readSpec(directory).clauses;
}
