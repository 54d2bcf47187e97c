/** What becomes of each envelope: the ordered checks of chapter 05, one defect at a time, beside a twin without it. */
import fc from 'fast-check';
import {
  dataSizeFor,
  idOf,
  ihave,
  iwant,
  message,
  ping,
  plan,
  push,
  session,
  sessions,
  spoilt,
  wait,
} from '../arbitraries/gossip-plans.ts';
import type { EnvelopeDefect, EnvelopeSpec, Step } from '../driver/plan.ts';
import { hasWallClock, type Trace } from '../driver/trace.ts';
import { bytesAreUnchanged, pushesToActiveLinks } from '../invariants/gossip-push.ts';
import { closesBelowLimit, pendingIsHarmless, rejectedCopiesCost } from '../invariants/gossip-score.ts';
import {
  acceptedIsTaken,
  asksApplicationOnce,
  harmlessStaysOpen,
  refusedIsSilent,
  reportedVerdicts,
  silentUntilAccepted,
} from '../invariants/gossip-verdict.ts';
import type { GossipView } from '../invariants/gossip-view.ts';
import type { Rule, RuleResult } from '../invariants/rule.ts';
import type { Check, Finding, Judgement } from '../runner/check.ts';
import { type GossipCheckOptions, gossipCheck } from './gossip-check.ts';

const SIZE_MAX = 32_768;
const REACTION = 1_200;

/** A refused envelope and its twin in order, on links of their own, in either order, with a listener. */
function withTwin(bad: EnvelopeSpec, twin: EnvelopeSpec, badHops = 0, twinHops = 0): fc.Arbitrary<ReturnType<typeof plan>> {
  return fc
    .record({ badFirst: fc.boolean(), listeners: fc.integer({ min: 1, max: 3 }), together: fc.boolean() })
    .map(({ badFirst, listeners, together }) => {
      const badStep = push(0, [bad], badHops);
      const twinStep = push(1, [twin], twinHops);
      const between = together ? [] : [wait(300)];
      const stimulus = badFirst ? [badStep, ...between, twinStep] : [twinStep, ...between, badStep];
      return plan([
        session(0, 'sender'),
        session(1, 'twin-sender'),
        ...sessions(2, 2 + listeners),
        wait(437, 1), // a clock that is read in whole seconds is off by that
        ...stimulus,
        wait(REACTION, 1_250),
        ping(0),
        ping(1),
        wait(2_300, 200),
      ]);
    });
}

/** Pairs of ages, most often the first: the one just outside a window and the one just inside. */
function edgeFirst(
  edge: readonly [number, number],
  ...others: readonly (readonly [number, number])[]
): fc.Arbitrary<readonly [number, number]> {
  return fc.oneof({ arbitrary: fc.constant(edge), weight: 4 }, { arbitrary: fc.constantFrom(...others), weight: 1 });
}

const refused: readonly Rule<GossipView>[] = [refusedIsSilent, acceptedIsTaken, reportedVerdicts];

function defectCheck(
  name: string,
  title: string,
  clauses: readonly string[],
  defect: EnvelopeDefect,
  extra: Partial<GossipCheckOptions> = {},
): Check {
  const good = message('in-order');
  return gossipCheck({
    id: `gossip.verdict.${name}`,
    title,
    clauses,
    plans: withTwin(spoilt(message('defective'), defect), good),
    rules: refused,
    runs: 3,
    ...extra,
  });
}

/** Every refused envelope of a trace counts as the node refusing; acceptance of the twin is asked for by GSP-021. */
const structure: readonly Check[] = [
  defectCheck(
    'envelope-trailing',
    'An envelope with bytes after its last field is rejected',
    ['GSP-013', 'GSP-021'],
    { kind: 'envelopeTrailing', bytes: '00' },
    { attacks: ['trailing bytes'] },
  ),
  defectCheck(
    'envelope-unknown-field',
    'An envelope with a field that the schema does not name is rejected',
    ['GSP-013', 'GSP-021'],
    { kind: 'envelopeTrailing', bytes: '7a0161' },
    { attacks: ['unknown field inside signed payload'] },
  ),
  defectCheck('envelope-garbage', 'Bytes that are no envelope are rejected', ['GSP-013', 'GSP-021'], {
    kind: 'envelopeBytes',
    bytes: 'ffffffffffffffffffff01',
  }),
  defectCheck(
    'payload-trailing',
    'A payload with an unknown field, correctly signed, is rejected',
    ['GSP-013', 'GSP-021'],
    { kind: 'payloadTrailing', bytes: '7a0161' },
    { attacks: ['unknown field inside signed payload'] },
  ),
  defectCheck(
    'payload-truncated',
    'A payload that ends inside a field, correctly signed, is rejected',
    ['GSP-013', 'GSP-021'],
    { kind: 'payloadBytes', bytes: '080110' },
    { attacks: ['truncated'] },
  ),
  defectCheck('payload-empty', 'An empty payload, correctly signed, is rejected', ['GSP-013', 'GSP-021'], {
    kind: 'payloadBytes',
    bytes: '',
  }),
  defectCheck(
    'payload-default',
    'A payload that writes a default value, correctly signed, is rejected',
    ['GSP-013', 'GSP-021'],
    { kind: 'payloadTrailing', bytes: '2a00' },
    { attacks: ['explicit default'] },
  ),
  defectCheck(
    'context',
    'An envelope signed for another purpose is rejected',
    ['GSP-013', 'GSP-021'],
    { kind: 'context', context: 'handshake' },
    { attacks: ['cross-context replay'] },
  ),
  defectCheck('key-type-zero', 'An envelope of key type 0 is rejected', ['GSP-013', 'GSP-021'], { kind: 'keyType', keyType: 0 }),
  defectCheck('key-type-unknown', 'An envelope of a key type that version 1 does not verify is ignored', ['GSP-013', 'GSP-021'], {
    kind: 'keyType',
    keyType: 2,
  }),
  defectCheck('payload-version', 'A payload of an unknown version is ignored', ['GSP-013', 'GSP-021'], { kind: 'version', version: 2 }),
  defectCheck('payload-topic', 'A payload that names another topic than its frame is rejected', ['GSP-014', 'GSP-021'], {
    kind: 'payloadTopic',
    topic: 'app/other',
  }),
  defectCheck('signature', 'An envelope whose signature is wrong in one byte is rejected', ['GSP-018', 'GSP-021'], { kind: 'signature' }),
  defectCheck(
    'malleated',
    'A signature with S + L is rejected',
    ['GSP-018', 'GSP-021'],
    { kind: 'malleatedS' },
    { attacks: ['malleated S+L'] },
  ),
  defectCheck(
    'small-order-key',
    'A signature under a key of small order is rejected',
    ['GSP-018', 'GSP-021'],
    { kind: 'smallOrderKey' },
    { attacks: ['small-order key registration', 'all-zero key'] },
  ),
  defectCheck(
    'network',
    'An envelope signed for another network is rejected',
    ['GSP-018', 'GSP-021'],
    { kind: 'network', networkId: 'another-network' },
    { attacks: ['cross-network replay'] },
  ),
];

const large = { sequence: 1_000_000 };

/** Defects for which an envelope is rejected, not ignored. */
const REJECTED: readonly EnvelopeDefect[] = [
  { kind: 'envelopeTrailing', bytes: '7a0161' },
  { kind: 'payloadTrailing', bytes: '2a00' },
  { kind: 'context', context: 'handshake' },
  { kind: 'keyType', keyType: 0 },
  { kind: 'payloadTopic', topic: 'app/other' },
  { kind: 'signature' },
  { kind: 'smallOrderKey' },
];

const verdicts: readonly Check[] = [
  gossipCheck({
    id: 'gossip.verdict.accept',
    title: 'A message in order is delivered exactly once, under its id',
    clauses: ['GSP-021', 'GSP-022', 'IDN-031'],
    plans: fc
      .record({
        links: fc.integer({ min: 3, max: 5 }),
        count: fc.integer({ min: 1, max: 6 }),
        sizes: fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 2_000 })), { minLength: 6, maxLength: 6 }),
        copies: fc.boolean(),
      })
      .map(({ links, count, sizes, copies }) => {
        const steps: Step[] = [...sessions(0, links)];
        for (let index = 0; index < count; index++) {
          const spec = message(`m${index}`, { origin: `o${index % 3}`, data: { size: sizes[index] ?? 1 } });
          steps.push(push(index % links, [spec]));
          if (copies) steps.push(push((index + 1) % links, [spec]));
        }
        return plan([...steps, wait(REACTION, 1_250), wait(2_300, 200)]);
      }),
    rules: [acceptedIsTaken, refusedIsSilent, reportedVerdicts],
  }),
  gossipCheck({
    id: 'gossip.verdict.size',
    title: 'An envelope of the largest size is accepted, one byte more is rejected',
    clauses: ['GSP-010', 'GSP-021'],
    plans: withTwin(
      message('too-large', { ...large, data: { size: dataSizeFor(SIZE_MAX + 1) } }),
      message('largest', { ...large, data: { size: dataSizeFor(SIZE_MAX) } }),
    ),
    rules: refused,
    runs: 2,
  }),
  gossipCheck({
    id: 'gossip.verdict.hops',
    title: 'An item with more hops than the limit is ignored, at the limit it is accepted',
    clauses: ['GSP-011', 'GSP-021'],
    plans: fc.constantFrom(33, 34, 255, 65_536, 4_294_967_295).chain((hops) => withTwin(message('far'), message('at-limit'), hops, 32)),
    rules: refused,
    runs: 4,
    attacks: ['id including mutable hop count'],
  }),
  gossipCheck({
    id: 'gossip.verdict.topic',
    title: 'An envelope on a topic that is not served is ignored',
    clauses: ['GSP-012', 'GSP-021'],
    plans: fc
      .constantFrom('app', 'app/', 'app/a/b', 'other/x', 'application', `app/${'x'.repeat(33)}`)
      .chain((topic) => withTwin(message('unserved', { topic }), message('served', { topic: `app/${'x'.repeat(32)}` }))),
    rules: refused,
    runs: 5,
  }),
  gossipCheck({
    id: 'gossip.verdict.duplicate',
    title: 'A message comes again, on any link, with other hops, and with another valid signature, and is delivered once',
    clauses: ['GSP-015', 'GSP-022'],
    plans: fc
      .record({ links: fc.integer({ min: 2, max: 6 }), gaps: fc.array(fc.constantFrom(0, 1, 400, 1_000), { minLength: 3, maxLength: 8 }) })
      .map(({ links, gaps }) => {
        const spec = message('again');
        return plan([
          ...sessions(0, links),
          push(0, [spec, spec]),
          ...gaps.flatMap((gap, index) => [
            ...(gap === 0 ? [] : [wait(gap)]),
            push((index + 1) % links, [index % 2 === 0 ? spec : spoilt(spec, { kind: 'resigned' })], index % 3),
          ]),
          session(links, 'late'),
          push(links, [spec]),
          wait(REACTION, 1_250),
        ]);
      }),
    rules: [refusedIsSilent, acceptedIsTaken],
    attacks: ['replay of a valid message', 'id including mutable hop count'],
  }),
  gossipCheck({
    id: 'gossip.verdict.replay-window',
    title: 'A message is remembered as long as its time window lets it come again',
    clauses: ['GSP-015', 'GSP-022', 'GSP-029'],
    levels: ['adapter'],
    plans: fc.constantFrom(60_500, 60_499, 31_000, 59_999, 45_000).map((afterMs) => {
      const spec = message('early', { ageMs: -500 });
      return plan([...sessions(0, 3), push(0, [spec]), wait(afterMs), push(1, [spec]), wait(REACTION, 1_250)]);
    }),
    rules: [refusedIsSilent, acceptedIsTaken],
    attacks: ['replay after seen TTL'],
  }),
  gossipCheck({
    id: 'gossip.verdict.past',
    title: 'A message at the old edge of the time window is accepted, one millisecond older is ignored',
    clauses: ['GSP-016', 'GSP-021'],
    levels: ['adapter'],
    plans: edgeFirst([60_001, 60_000], [60_002, 59_999], [120_000, 30_000], [3_600_000, 0]).chain(([old, young]) =>
      withTwin(message('old', { ageMs: old }), message('young', { ageMs: young })),
    ),
    rules: refused,
    attacks: ['future/past timestamps at exact window edge'],
  }),
  gossipCheck({
    id: 'gossip.verdict.future',
    title: 'A message at the young edge of the time window is accepted, one millisecond younger is ignored',
    clauses: ['GSP-017', 'GSP-021'],
    levels: ['adapter'],
    plans: edgeFirst([-501, -500], [-1_000, -499], [-60_000, -1], [-86_400_000, 0]).map(([early, due]) =>
      plan([
        session(0, 'sender'),
        session(1, 'twin-sender'),
        session(2, 'listener'),
        wait(437),
        push(0, [message('early', { ageMs: early })]),
        push(1, [message('due', { ageMs: due })]),
        wait(REACTION, 1_250),
        ping(0),
      ]),
    ),
    rules: refused,
    attacks: ['future/past timestamps at exact window edge'],
  }),
  gossipCheck({
    id: 'gossip.verdict.clock-far-off',
    title: 'Messages far outside the time window are ignored, on a wall clock as well',
    clauses: ['GSP-016', 'GSP-017', 'GSP-021'],
    levels: ['wire'],
    plans: fc.constantFrom(-3_600_000, 3_600_000).chain((ageMs) => withTwin(message('off', { ageMs }), message('on'))),
    rules: refused,
  }),
  gossipCheck({
    id: 'gossip.verdict.own-origin',
    title: 'A message that names the node itself as its origin is not delivered, though its signature is right',
    clauses: ['GSP-019'],
    levels: ['adapter'],
    plans: fc
      .integer({ min: 1, max: 3 })
      .map((count) =>
        plan([
          ...sessions(0, 3),
          ...Array.from({ length: count }, (_, index) => push(index % 3, [message(`own${index}`, { origin: 'node' })])),
          wait(REACTION, 1_250),
          wait(2_300, 200),
        ]),
      ),
    rules: [refusedIsSilent],
    attacks: ['self-origin echo'],
  }),
  gossipCheck({
    id: 'gossip.verdict.origin-flood',
    title: 'An origin gets its burst and its rate and no more, however many links it uses',
    clauses: ['GSP-020', 'GSP-021', 'GSP-085'],
    levels: ['adapter'],
    plans: fc
      .record({ links: fc.integer({ min: 1, max: 4 }), over: fc.integer({ min: 1, max: 4 }), pauseMs: fc.constantFrom(99, 100, 101, 250) })
      .map(({ links, over, pauseMs }) => {
        const burst = Array.from({ length: 20 + over }, (_, index) => push(index % links, [message(`b${index}`, { origin: 'flooder' })]));
        const after = Array.from({ length: 3 }, (_, index) => push(index % links, [message(`a${index}`, { origin: 'flooder' })]));
        return plan([
          ...sessions(0, links + 1),
          ...burst,
          push(0, [message('other', { origin: 'quiet' })]),
          wait(pauseMs),
          ...after,
          wait(REACTION, 1_250),
        ]);
      }),
    rules: [refusedIsSilent, acceptedIsTaken],
    attacks: ['one peer starving others'],
  }),
  gossipCheck({
    id: 'gossip.verdict.unstaked-flood',
    title: 'All origins without stake share one bucket; an origin with stake is not held up by it',
    clauses: ['GSP-020', 'GSP-021', 'GSP-085'],
    levels: ['adapter'],
    plans: fc.integer({ min: 1, max: 6 }).map((over) => {
      const burst = Array.from({ length: 80 + over }, (_, index) => push(index % 4, [message(`b${index}`, { origin: `o${index % 6}` })]));
      return plan([...sessions(0, 5), ...burst, push(0, [message('staked', { origin: 'stake-1' })]), wait(REACTION, 1_250)], {
        stakes: true,
      });
    }),
    rules: [refusedIsSilent, acceptedIsTaken],
    runs: 2,
  }),
  gossipCheck({
    id: 'gossip.verdict.forged-flood',
    title: 'Forged messages in an origin’s name do not use up its flood bucket',
    clauses: ['GSP-021', 'GSP-024', 'GSP-086'],
    levels: ['adapter'],
    plans: fc.integer({ min: 20, max: 40 }).map((forged) => {
      // Spread over many links, so that none of them loses its session before the honest messages come.
      const bad = Array.from({ length: forged }, (_, index) =>
        push(1 + (index % 8), [spoilt(message(`f${index}`, { origin: 'victim' }), { kind: 'signature' })]),
      );
      const good = Array.from({ length: 10 }, (_, index) => push(0, [message(`g${index}`, { origin: 'victim' })]));
      return plan([...sessions(0, 10), ...bad, ...good, wait(REACTION, 1_250)]);
    }),
    rules: [{ ...acceptedIsTaken, clauses: ['GSP-086'], judge: (view) => renamed(acceptedIsTaken.judge(view), 'GSP-021', 'GSP-086') }],
    runs: 3,
    attacks: ['invalid messages charged to a victim'],
  }),
  gossipCheck({
    id: 'gossip.verdict.poison',
    title: 'A bad copy does not shadow the good one with the same id, which is pushed to the sender of the bad one as well',
    clauses: ['GSP-018', 'GSP-024', 'GSP-040'],
    plans: fc
      .record({ bad: fc.integer({ min: 1, max: 3 }), sameLink: fc.boolean(), gap: fc.constantFrom(0, 300) })
      .map(({ bad, sameLink, gap }) => {
        const good = message('shadowed');
        return plan([
          ...sessions(0, 4),
          ...Array.from({ length: bad }, () => push(0, [spoilt(good, { kind: 'signature' })])),
          ...(gap === 0 ? [] : [wait(gap)]),
          push(sameLink ? 0 : 1, [good]),
          wait(REACTION, 1_250),
          wait(2_300, 200),
        ]);
      }),
    rules: [acceptedIsTaken, refusedIsSilent, bytesAreUnchanged, pushesToActiveLinks],
    attacks: ['invalid-then-valid same id (seen-cache poisoning)', 'id excluding signature'],
  }),
  gossipCheck({
    id: 'gossip.verdict.judged-anew',
    title: 'A message that came too early, or found the flood bucket empty, is accepted when it comes again in time',
    clauses: ['GSP-017', 'GSP-020', 'GSP-025'],
    levels: ['adapter'],
    plans: fc.oneof(
      fc.constantFrom(501, 700, 2_000, 30_000, 90_000).map((aheadMs) => {
        const spec = message('premature', { ageMs: -aheadMs });
        return plan([...sessions(0, 3), push(0, [spec]), wait(aheadMs - 500), push(1, [spec]), wait(REACTION, 1_250)]);
      }),
      fc.constantFrom(100, 101, 1_000).map((pauseMs) => {
        const burst = Array.from({ length: 21 }, (_, index) => message(`b${index}`, { origin: 'flooder' }));
        return plan([...sessions(0, 3), push(0, burst), wait(pauseMs), push(1, burst.slice(20)), wait(REACTION, 1_250)]);
      }),
    ),
    rules: [acceptedIsTaken, refusedIsSilent],
    runs: 10,
  }),
  gossipCheck({
    id: 'gossip.verdict.neighbours',
    title: 'One bad envelope of a batch does not touch its neighbours',
    clauses: ['GSP-018', 'GSP-021', 'IDN-019'],
    plans: fc
      .record({
        count: fc.integer({ min: 2, max: 12 }),
        bad: fc.nat(),
        defect: fc.constantFrom<EnvelopeDefect>({ kind: 'signature' }, { kind: 'malleatedS' }),
      })
      .map(({ count, bad, defect }) => {
        const batch = Array.from({ length: count }, (_, index) => {
          const spec = message(`n${index}`, { origin: `o${index % 2}` });
          return index === bad % count ? spoilt(spec, defect) : spec;
        });
        return plan([...sessions(0, 3), push(0, batch), wait(REACTION, 1_250), wait(2_300, 200)]);
      }),
    rules: [{ ...acceptedIsTaken, judge: (view) => renamed(acceptedIsTaken.judge(view), 'GSP-021', 'IDN-019') }, refusedIsSilent],
    attacks: ['batch containing one bad'],
  }),
  gossipCheck({
    id: 'gossip.verdict.memory-by-origin',
    title: 'Floods of other origins do not make the node forget an id',
    clauses: ['GSP-015', 'GSP-022', 'GSP-029'],
    levels: ['adapter'],
    plans: fc.constantFrom('author', 'stake-1').map((origin) => {
      const kept = message('kept', { origin, ageMs: 0 });
      const flood = Array.from({ length: 14 }, (_, second) => [
        ...Array.from({ length: 4 }, (_, index) =>
          push(
            1 + index,
            Array.from({ length: 10 }, (_, at) => message(`f${second}-${index}-${at}`, { origin: `o${index}`, ageMs: 0 })),
          ),
        ),
        wait(1_000),
      ]).flat();
      return plan([...sessions(0, 5), push(0, [kept]), ...flood, push(1, [kept]), wait(REACTION, 1_250)], { stakes: true });
    }),
    rules: [{ ...refusedIsSilent, judge: (view) => renamed(refusedIsSilent.judge(view), 'GSP-015', 'GSP-029') }],
    runs: 2,
    attacks: ['seen cache eviction by flood'],
  }),
  gossipCheck({
    id: 'gossip.verdict.harmless',
    title: 'Ignored envelopes and duplicates never cost the sender its session, whatever a later check would have found',
    clauses: ['GSP-093'],
    levels: ['adapter'],
    plans: fc.integer({ min: 40, max: 60 }).map((repeats) => {
      const forged: EnvelopeDefect = { kind: 'signature' };
      const specs = [
        message('duplicate'),
        message('old', { ageMs: 90_000 }),
        message('unserved', { topic: 'app' }),
        spoilt(message('version'), { kind: 'version', version: 9 }),
        spoilt(message('duplicate'), forged),
        spoilt(message('old', { ageMs: 90_000 }), forged),
        spoilt(message('unserved', { topic: 'app' }), forged),
      ];
      const flood = (index: number): Step => push(specs.length, [message(`flood${index}`, { origin: 'flooder' })]);
      return plan([
        ...sessions(0, specs.length + 1),
        ...Array.from({ length: repeats }, (_, index) => [...specs.map((spec, link) => push(link, [spec])), flood(index)]).flat(),
        wait(2_000),
        ...specs.map((_, link) => ping(link)),
        ping(specs.length),
        wait(REACTION, 1_250),
      ]);
    }),
    rules: [harmlessStaysOpen],
    runs: 2,
  }),
  gossipCheck({
    id: 'gossip.verdict.nobody-hears',
    title: 'What is refused is neither pushed, nor announced, nor declined, nor sent to whoever asks for it, however large it is',
    clauses: ['GSP-023'],
    levels: ['adapter'],
    plans: fc
      .record({
        bad: fc.constantFrom<EnvelopeSpec>(
          spoilt(message('forged', { data: { size: 2_000 } }), { kind: 'signature' }),
          message('old', { ageMs: 70_000, data: { size: 2_000 } }),
          message('self', { origin: 'node', data: { size: 2_000 } }),
        ),
        links: fc.integer({ min: 4, max: 14 }),
      })
      .map(({ bad, links }) =>
        plan([...sessions(0, links), push(0, [bad]), wait(100), iwant(1, [idOf(bad)]), wait(2_300), iwant(2, [idOf(bad)]), wait(1_200)]),
      ),
    rules: [{ ...refusedIsSilent, judge: (view) => heardOf(refusedIsSilent.judge(view)) }],
    runs: 6,
  }),
  gossipCheck({
    id: 'gossip.verdict.rejected-costs',
    title: 'Rejected envelopes cost the sender its session, for whatever reason they are rejected',
    clauses: ['GSP-010', 'GSP-013', 'GSP-014', 'GSP-018'],
    levels: ['adapter'],
    plans: fc.integer({ min: 12, max: 14 }).map((repeats) => {
      const specs = [
        message('too-large', { ...large, data: { size: dataSizeFor(SIZE_MAX + 1) } }),
        ...REJECTED.map((defect, index) => spoilt(message(`rejected${index}`), defect)),
        spoilt(message('self', { origin: 'node' }), { kind: 'signature' }),
      ];
      return plan([
        ...sessions(0, specs.length + 1),
        ...specs.flatMap((spec, link) => Array.from({ length: repeats }, () => push(link, [spec]))),
        wait(REACTION),
        ping(specs.length),
        wait(REACTION),
      ]);
    }),
    rules: [{ ...closesBelowLimit, judge: (view) => namedByVerdict(view, closesBelowLimit.judge(view)) }],
    runs: 2,
  }),
  ...structure,
];

function renamed<Result extends { readonly findings: readonly Finding[] }>(result: Result, from: string, to: string): Result {
  return { ...result, findings: result.findings.map((finding) => (finding.clause === from ? { ...finding, clause: to } : finding)) };
}

/** Whatever the reason for which an envelope is refused, nobody is to hear of it. */
function heardOf(result: RuleResult): RuleResult {
  return { ...result, findings: result.findings.map((finding) => ({ ...finding, clause: 'GSP-023' })) };
}

/** A session that stays open names the clause by which what came on it is rejected. */
function namedByVerdict(view: GossipView, result: RuleResult): RuleResult {
  const clauseAt = (at: number | undefined): string | undefined => {
    const span = view.spans.find(({ fromEvent }) => fromEvent === at);
    return view.arrivals.find(({ link, verdict }) => link === span?.link && verdict === 'reject')?.clause;
  };
  return { ...result, findings: result.findings.map((finding) => ({ ...finding, clause: clauseAt(finding.at) ?? finding.clause })) };
}

const validation: readonly Check[] = [
  gossipCheck({
    id: 'gossip.validation.accept',
    title: 'A pending message is asked about once, and delivered and passed on only when the application accepts',
    clauses: ['GSP-023', 'GSP-026', 'GSP-027', 'GSP-022', 'GSP-040'],
    levels: ['adapter'],
    needs: ['gossip/1', 'validation'],
    plans: fc
      .record({ links: fc.integer({ min: 2, max: 5 }), copies: fc.integer({ min: 0, max: 4 }), waitMs: fc.constantFrom(0, 1, 300, 4_999) })
      .map(({ links, copies, waitMs }) => {
        const spec = message('pending');
        return plan(
          [
            ...sessions(0, links),
            push(0, [spec]),
            ...Array.from({ length: copies }, (_, index) => push(index % links, [spec])),
            wait(waitMs),
            { op: 'validated', index: 0, verdict: 'accept' },
            wait(3_000),
          ],
          { applicationValidation: true },
        );
      }),
    rules: [
      silentUntilAccepted,
      asksApplicationOnce,
      { ...acceptedIsTaken, judge: (view) => renamed(acceptedIsTaken.judge(view), 'GSP-021', 'GSP-026') },
      pushesToActiveLinks,
      refusedIsSilent,
    ],
    attacks: ['forward-before-validate'],
  }),
  gossipCheck({
    id: 'gossip.validation.refuse',
    title: 'A pending message that the application ignores or rejects goes nowhere',
    clauses: ['GSP-023', 'GSP-026', 'GSP-027'],
    levels: ['adapter'],
    needs: ['gossip/1', 'validation'],
    plans: fc
      .record({ verdict: fc.constantFrom<'ignore' | 'reject'>('ignore', 'reject'), copies: fc.integer({ min: 0, max: 3 }) })
      .map(({ verdict, copies }) => {
        const spec = message('pending');
        return plan(
          [
            ...sessions(0, 4),
            push(0, [spec]),
            ...Array.from({ length: copies }, (_, index) => push(1 + index, [spec])),
            wait(100),
            { op: 'validated', index: 0, verdict },
            wait(3_000),
            ping(0),
            wait(100),
          ],
          { applicationValidation: true },
        );
      }),
    rules: [
      { ...silentUntilAccepted, judge: (view) => renamed(silentUntilAccepted.judge(view), 'GSP-023', 'GSP-026') },
      asksApplicationOnce,
    ],
  }),
  gossipCheck({
    id: 'gossip.validation.timeout',
    title: 'A verdict that comes too late changes nothing',
    clauses: ['GSP-028'],
    levels: ['adapter'],
    needs: ['gossip/1', 'validation'],
    plans: fc
      .constantFrom(5_000, 5_001, 6_000, 20_000)
      .map((lateMs) =>
        plan(
          [...sessions(0, 3), push(0, [message('pending')]), wait(lateMs), { op: 'validated', index: 0, verdict: 'accept' }, wait(3_000)],
          { applicationValidation: true },
        ),
      ),
    rules: [{ ...silentUntilAccepted, judge: (view) => renamed(silentUntilAccepted.judge(view), 'GSP-023', 'GSP-028') }],
  }),
  gossipCheck({
    id: 'gossip.validation.timeout-is-harmless',
    title: 'Messages that the application says nothing about cost their sender nothing',
    clauses: ['GSP-028'],
    levels: ['adapter'],
    needs: ['gossip/1', 'validation'],
    plans: fc
      .integer({ min: 12, max: 18 })
      .map((count) =>
        plan(
          [
            ...sessions(0, 2),
            ...Array.from({ length: count }, (_, index) => push(0, [message(`silent${index}`)])),
            wait(6_500),
            ping(0),
            wait(REACTION),
          ],
          { applicationValidation: true },
        ),
      ),
    rules: [pendingIsHarmless],
    runs: 2,
  }),
  gossipCheck({
    id: 'gossip.validation.reject-costs-all',
    title: 'What the application rejects counts against each peer that sent a copy',
    clauses: ['GSP-026'],
    levels: ['adapter'],
    needs: ['gossip/1', 'validation'],
    plans: fc.record({ count: fc.integer({ min: 12, max: 16 }), senders: fc.integer({ min: 2, max: 3 }) }).map(({ count, senders }) => {
      const links = Array.from({ length: senders }, (_, link) => link);
      return plan(
        [
          ...sessions(0, senders + 1),
          ...Array.from({ length: count }, (_, index) => links.map((link) => push(link, [message(`bad${index}`)]))).flat(),
          wait(100),
          ...Array.from({ length: count }, (_, index): Step => ({ op: 'validated', index, verdict: 'reject' })),
          wait(REACTION),
          ping(senders),
          wait(REACTION),
        ],
        { applicationValidation: true },
      );
    }),
    rules: [rejectedCopiesCost],
    runs: 3,
  }),
];

const MALFORMED_TOPICS = ['', 'App/x', 'app/x y', 'app/ü', 'a'.repeat(65), 'app_x', 'app\u0000'];

/** A frame whose topic is not of the form of chapter 05 ends the session (GSP-001). */
const topicForm: Check = {
  kind: 'plan',
  id: 'gossip.topic.form',
  title: 'A Push, Direct or Ihave with a malformed topic ends the session; a well-formed one does not',
  clauses: ['GSP-001'],
  levels: ['adapter', 'wire'],
  needs: ['gossip/1'],
  runs: 4,
  plans: fc
    .record({ topics: fc.shuffledSubarray(MALFORMED_TOPICS, { minLength: 6 }), ihaveFrame: fc.boolean() })
    .map(({ topics, ihaveFrame }) => {
      const spec = message('m');
      const send = (link: number, topic: string): Step => (ihaveFrame ? ihave(link, [idOf(spec)], topic) : push(link, [spec], 0, topic));
      return plan([
        ...sessions(0, 2 + topics.length),
        ...topics.map((topic, index) => send(2 + index, topic)),
        send(1, 'app/kit'),
        wait(REACTION, 1_250),
        ping(0),
        ping(1),
        wait(REACTION, 1_250),
      ]);
    }),
  judge: judgeTopicForm,
};

function judgeTopicForm(trace: Trace): Judgement {
  const findings: Finding[] = [];
  let exercised = false;
  const reactionMs = Number(trace.parameters['session.reaction_ms_max']) + (hasWallClock(trace) ? 1_000 : 0);
  trace.events.forEach((event, index) => {
    if (event.type !== 'sentFrame') return;
    const body = event.frame.body;
    const carriesTopic = [32, 40, 48].includes(event.frame.kind);
    // The kit's own reader does not take a body with a malformed topic.
    const topic = body?.type === 'Push' || body?.type === 'Direct' || body?.type === 'Ihave' ? body.topic : '';
    if (!carriesTopic || event.atMs + reactionMs > trace.endMs) return;
    const wellFormed = /^[a-z0-9/-]{1,64}$/.test(topic);
    const closed = trace.events.find((other) => other.type === 'closed' && other.link === event.link && other.by === 'node');
    if (!wellFormed) exercised = true;
    if (!wellFormed && (closed === undefined || closed.atMs > event.atMs + reactionMs)) {
      findings.push({
        clause: 'GSP-001',
        expected: `link ${event.link} is closed: its topic ${JSON.stringify(topic)} is malformed`,
        observed: 'it stayed open',
        at: index,
      });
    }
    if (wellFormed && closed !== undefined) {
      findings.push({
        clause: 'GSP-001',
        expected: `link ${event.link} stays open: its topic is well-formed`,
        observed: `it was closed at ${closed.atMs} ms`,
        at: index,
      });
    }
  });
  return { findings, exercised };
}

export const checks: readonly Check[] = [...verdicts, ...validation, topicForm];
