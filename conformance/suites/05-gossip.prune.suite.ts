/** Prunes received and sent, Grafts, and what they must never do. */
import fc from 'fast-check';
import {
  graft,
  idOf,
  idontwant,
  ihave,
  iwant,
  message,
  originOf,
  ping,
  plan,
  prune,
  push,
  session,
  sessions,
  wait,
  ZERO,
} from '../arbitraries/gossip-plans.ts';
import type { EnvelopeSpec, OriginValue, Step } from '../driver/plan.ts';
import { hasWallClock, type Trace } from '../driver/trace.ts';
import { announcesToTheRest, answersIwants } from '../invariants/gossip-announce.ts';
import { graftsWhenAsked, prunedOriginIsHeldBack, prunesLateLinks, prunesWithinBounds } from '../invariants/gossip-prune.ts';
import { endedBy } from '../invariants/gossip-prune-state.ts';
import { publishesProperly, pushesToActiveLinks } from '../invariants/gossip-push.ts';
import type { GossipView } from '../invariants/gossip-view.ts';
import type { Rule } from '../invariants/rule.ts';
import type { Check, Finding, Judgement } from '../runner/check.ts';
import { gossipCheck } from './gossip-check.ts';

/** Exercised when some message had to be pushed on a link whose Prune was over, or never counted. */
const resumes = (clause: string): Rule<GossipView> => ({
  ...pushesToActiveLinks,
  judge(view) {
    const result = pushesToActiveLinks.judge(view);
    const exercised =
      [...view.messages.values()].some((sent) => view.spans.some((span) => endedBy(view, span.link, sent) === clause)) ||
      clause === 'GSP-067';
    return { ...result, exercised };
  },
});

const staked: { readonly stakes: true } = { stakes: true };

/** The n-th message of an origin, made now. */
const of = (origin: string, index: number): EnvelopeSpec => message(`${origin}-${index}`, { origin, ageMs: 0 });

function limitCheck(kind: 'Prune' | 'Graft'): Check {
  return {
    kind: 'plan',
    id: `gossip.${kind.toLowerCase()}.limit`,
    title: `A ${kind} of no origin or of more than 32 ends the session; one of 32 does not`,
    clauses: ['GSP-063'],
    levels: ['adapter', 'wire'],
    needs: ['gossip/1'],
    runs: 2,
    plans: fc.shuffledSubarray([0, 33, 34], { minLength: 3 }).map((counts) => {
      const origins = (size: number): OriginValue[] => Array.from({ length: size }, (_, index) => originOf(`o${index}`));
      const send = (link: number, size: number): Step =>
        kind === 'Prune' ? prune(link, origins(size), 5_000) : graft(link, origins(size));
      return plan([
        ...sessions(0, 2 + counts.length),
        ...counts.map((count, index) => send(2 + index, count)),
        send(1, 32),
        wait(1_200),
        ping(0),
        ping(1),
        wait(1_200),
      ]);
    }),
    judge: (trace) => judgeLimit(trace),
  };
}

function judgeLimit(trace: Trace): Judgement {
  const findings: Finding[] = [];
  let exercised = false;
  const reactionMs = Number(trace.parameters['session.reaction_ms_max']) + (hasWallClock(trace) ? 1_000 : 0);
  trace.events.forEach((event, index) => {
    if (event.type !== 'sentFrame' || (event.frame.kind !== 36 && event.frame.kind !== 38) || event.atMs + reactionMs > trace.endMs) return;
    const body = event.frame.body;
    // The kit's own reader does not take a body with a count outside the limits.
    const count = body?.type === 'Prune' || body?.type === 'Graft' ? body.origins.length : 33;
    const bad = count < 1 || count > 32;
    exercised ||= bad;
    const closed = trace.events.find((other) => other.type === 'closed' && other.link === event.link && other.by === 'node');
    if (bad && (closed === undefined || closed.atMs > event.atMs + reactionMs))
      findings.push({ clause: 'GSP-063', expected: `link ${event.link} is closed`, observed: 'it stayed open', at: index });
    if (!bad && closed !== undefined)
      findings.push({
        clause: 'GSP-063',
        expected: `link ${event.link} stays open: 1 to 32 origins are named`,
        observed: `it was closed at ${closed.atMs} ms`,
        at: index,
      });
  });
  return { findings, exercised };
}

/** Sessions with peers that have stake: with one of them kept, the share of stake that a count keeps is there. */
function stakedSessions(count: number): Step[] {
  return Array.from({ length: count }, (_, index): Step => ({ op: 'open', link: index, peer: `stake-${index + 2}`, mode: 'session' }));
}

/** Twenty messages that reach the node over the links of each row in that order. */
function ordered(origin: string, rows: readonly (readonly number[])[], count: number): Step[] {
  return Array.from({ length: count }, (_, index): Step[] =>
    (rows[index % rows.length] ?? []).map((link) => push(link, [of(origin, index)])),
  ).flat();
}

export const checks: readonly Check[] = [
  gossipCheck({
    id: 'gossip.prune.holds',
    title:
      'While a Prune lasts its origin is not pushed on the link, but announced, and sent if asked for; other origins and links are not touched',
    clauses: ['GSP-060', 'GSP-040', 'GSP-050', 'GSP-052'],
    levels: ['adapter'],
    plans: fc
      .record({
        backoffMs: fc.constantFrom(3_000, 10_000, 60_000),
        gaps: fc.array(fc.constantFrom(0, 1, 900), { minLength: 1, maxLength: 3 }),
      })
      .map(({ backoffMs, gaps }) =>
        plan(
          [
            ...sessions(0, 4),
            prune(1, [originOf('stake-1')], backoffMs),
            ...gaps.flatMap((gap, index): Step[] => [
              ...(gap === 0 ? [] : [wait(gap)]),
              push(0, [of('stake-1', index)]),
              push(0, [of('stake-2', index)]),
            ]),
            wait(1_000),
            iwant(1, [idOf(of('stake-1', 0))]),
            wait(2_300),
          ],
          staked,
        ),
      ),
    rules: [prunedOriginIsHeldBack, pushesToActiveLinks, announcesToTheRest, answersIwants],
  }),
  gossipCheck({
    id: 'gossip.prune.holds-unstaked',
    title: 'A Prune of the zero origin holds back all origins without stake, on that link only',
    clauses: ['GSP-060', 'GSP-040'],
    plans: fc
      .integer({ min: 1, max: 3 })
      .map((count) =>
        plan([
          ...sessions(0, 4),
          prune(1, [ZERO], 60_000),
          wait(1_100),
          ...Array.from({ length: count }, (_, index) => push(0, [of(`o${index}`, index)])),
          wait(1_300),
        ]),
      ),
    rules: [prunedOriginIsHeldBack, pushesToActiveLinks],
  }),
  gossipCheck({
    id: 'gossip.prune.expires',
    title: 'A Prune is over when its backoff has passed, to the millisecond',
    clauses: ['GSP-061', 'GSP-060'],
    levels: ['adapter'],
    plans: fc
      .constantFrom([3_000, 0], [3_000, 1], [10_000, 0], [1, 0], [60_000, 5])
      .map(([backoffMs = 3_000, after = 0]) =>
        plan(
          [
            ...sessions(0, 3),
            wait(123),
            prune(1, [originOf('stake-1'), ZERO], backoffMs),
            wait(Math.max(1, backoffMs - 1)),
            push(0, [of('stake-1', 0)]),
            ...(backoffMs === 1 ? [] : [wait(1 + after)]),
            push(0, [of('stake-1', 1), of('plain', 1)]),
            wait(1_000),
          ],
          staked,
        ),
      ),
    rules: [resumes('GSP-061'), prunedOriginIsHeldBack],
  }),
  gossipCheck({
    id: 'gossip.prune.overlapping',
    title: 'Of several Prunes of one origin each lasts for itself: a shorter one does not end a longer one',
    clauses: ['GSP-061', 'GSP-060'],
    levels: ['adapter'],
    plans: fc
      .record({
        backoffs: fc.constantFrom<readonly [number, number]>([10_000, 2_000], [10_000, 0], [2_000, 10_000], [60_000, 5_999]),
        zero: fc.boolean(),
      })
      .map(({ backoffs, zero }) => {
        const author = zero ? 'plain' : 'stake-1';
        const origins = [zero ? ZERO : originOf('stake-1')];
        return plan(
          [
            ...sessions(0, 3),
            ...backoffs.map((backoffMs) => prune(1, origins, backoffMs)),
            wait(6_000),
            push(0, [of(author, 0)]),
            wait(1_000),
          ],
          staked,
        );
      }),
    rules: [prunedOriginIsHeldBack],
  }),
  gossipCheck({
    id: 'gossip.prune.ends-with-session',
    title: 'What a peer pruned or declined on a session that ended holds nothing back on its next one',
    clauses: ['GSP-040'],
    levels: ['adapter'],
    plans: fc.boolean().map((declined) => {
      const spec = of('stake-1', 0);
      return plan(
        [
          ...sessions(0, 1),
          session(1, 'returner'),
          declined ? idontwant(1, [idOf(spec)]) : prune(1, [originOf('stake-1')], 60_000),
          wait(100),
          { op: 'closeLink', link: 1 },
          wait(100),
          session(2, 'returner'),
          wait(100),
          push(0, [spec]),
          wait(1_000),
        ],
        staked,
      );
    }),
    rules: [pushesToActiveLinks],
    runs: 4,
  }),
  gossipCheck({
    id: 'gossip.prune.cap',
    title: 'A backoff above an hour, up to the largest number, counts as an hour',
    clauses: ['GSP-062', 'GSP-060'],
    levels: ['adapter'],
    plans: fc
      .constantFrom('3600001', '7200000', '9223372036854775808', '18446744073709551615')
      .map((backoffMs) =>
        plan(
          [
            ...sessions(0, 3),
            prune(1, [originOf('stake-1')], backoffMs),
            wait(3_599_000),
            push(0, [of('stake-1', 0)]),
            wait(1_000),
            push(0, [of('stake-1', 1)]),
            wait(1_000),
          ],
          staked,
        ),
      ),
    rules: [resumes('GSP-062'), prunedOriginIsHeldBack],
    runs: 4,
    attacks: ['PRUNE with backoff 2^63'],
  }),
  limitCheck('Prune'),
  limitCheck('Graft'),
  gossipCheck({
    id: 'gossip.prune.own',
    title: 'No Prune holds back the node’s own messages',
    clauses: ['GSP-064'],
    levels: ['adapter'],
    plans: fc
      .record({ withZero: fc.boolean(), stakes: fc.boolean() })
      .map(({ withZero, stakes }) =>
        plan(
          [
            ...sessions(0, 3),
            prune(1, [originOf('node'), ...(withZero ? [ZERO] : [])], 60_000),
            wait(100),
            { op: 'publish', topic: 'app/kit', data: '01' },
            wait(1_500),
          ],
          { stakes },
        ),
      ),
    rules: [resumes('GSP-064'), publishesProperly],
    attacks: ['prune for own origin'],
  }),
  gossipCheck({
    id: 'gossip.prune.unstaked-by-name',
    title: 'An origin without stake cannot be pruned by its PeerId',
    clauses: ['GSP-065'],
    plans: fc.integer({ min: 1, max: 3 }).map((count) =>
      plan([
        ...sessions(0, 3),
        prune(
          1,
          Array.from({ length: count }, (_, index) => originOf(`o${index}`)),
          60_000,
        ),
        wait(1_100),
        ...Array.from({ length: count }, (_, index) => push(0, [of(`o${index}`, index)])),
        wait(1_300),
      ]),
    ),
    rules: [resumes('GSP-065')],
  }),
  gossipCheck({
    id: 'gossip.graft.ends-prune',
    title: 'A Graft ends the Prunes of its origins on the link, and of no others',
    clauses: ['GSP-066', 'GSP-060'],
    plans: fc.record({ zero: fc.boolean(), prunes: fc.integer({ min: 1, max: 2 }) }).map(({ zero, prunes }) => {
      const origin = zero ? ZERO : originOf('stake-1');
      const author = zero ? 'plain' : 'stake-1';
      return plan(
        [
          ...sessions(0, 3),
          ...Array.from({ length: prunes }, (_, index) => prune(1, [origin, originOf('stake-2')], 60_000 + index)),
          wait(50),
          graft(1, [origin]),
          wait(1_100),
          push(0, [of(author, 0)]),
          push(0, [of('stake-2', 1)]),
          wait(1_300),
        ],
        staked,
      );
    }),
    rules: [resumes('GSP-066'), prunedOriginIsHeldBack],
  }),
  gossipCheck({
    id: 'gossip.graft.nothing-pruned',
    title: 'A Graft for an origin that is not pruned changes nothing',
    clauses: ['GSP-067', 'GSP-040'],
    plans: fc
      .integer({ min: 1, max: 10 })
      .map((count) =>
        plan(
          [
            ...sessions(0, 3),
            ...Array.from({ length: count }, () => graft(1, [originOf('stake-1'), ZERO])),
            ping(1),
            wait(1_100),
            push(0, [of('stake-1', 0)]),
            wait(1_300),
          ],
          staked,
        ),
      ),
    rules: [
      {
        ...pushesToActiveLinks,
        clauses: ['GSP-067'],
        judge(view) {
          const result = pushesToActiveLinks.judge(view);
          const closed = view.spans.find((span) => span.closedBy === 'node');
          const findings: Finding[] = result.findings.map((finding) => ({ ...finding, clause: 'GSP-067' }));
          if (closed !== undefined)
            findings.push({
              clause: 'GSP-067',
              expected: 'the Graft is ignored',
              observed: `the node closed link ${closed.link} at ${closed.toMs} ms`,
              at: closed.toEvent,
            });
          return { findings, exercised: view.prunes.some((notice) => notice.kind === 'Graft' && notice.by === 'kit') };
        },
      },
    ],
    attacks: ['GRAFT flood'],
  }),
  gossipCheck({
    id: 'gossip.prune.late-links',
    title: 'After enough messages of an origin the links that only bring late copies are pruned, and no others',
    clauses: ['GSP-070', 'GSP-072'],
    levels: ['adapter'],
    plans: fc
      .record({ origin: fc.constantFrom('stake-1', 'plain'), late: fc.integer({ min: 1, max: 3 }), shuffled: fc.boolean() })
      .map(({ origin, late, shuffled }) => {
        const links = Array.from({ length: 2 + late }, (_, index) => index);
        const rows = shuffled ? [links, [1, 0, ...links.slice(2).reverse()]] : [links];
        const open = origin === 'plain' ? sessions(0, links.length) : stakedSessions(links.length);
        return plan([...open, ...ordered(origin, rows, 20), wait(3_000)], staked);
      }),
    rules: [prunesLateLinks, prunesWithinBounds],
    runs: 6,
  }),
  gossipCheck({
    id: 'gossip.prune.stake-share',
    title: 'Links are kept until their peers hold the share of stake, even if their copies come late',
    clauses: ['GSP-070', 'GSP-072'],
    levels: ['adapter'],
    plans: fc.integer({ min: 0, max: 2 }).map((extra) => {
      // Two quick links without stake, then late ones with stake: the best of those must be kept.
      const steps: Step[] = [
        ...sessions(0, 2),
        { op: 'open', link: 2, peer: 'stake-2', mode: 'session' },
        { op: 'open', link: 3, peer: 'stake-3', mode: 'session' },
        ...sessions(4, 4 + extra),
      ];
      const links = [0, 1, ...Array.from({ length: extra }, (_, index) => 4 + index), 2, 3];
      return plan([...steps, ...ordered('stake-1', [links], 20), wait(3_000)], staked);
    }),
    rules: [prunesLateLinks, prunesWithinBounds],
    runs: 3,
  }),
  gossipCheck({
    id: 'gossip.prune.late-copies-cost-nothing',
    title: 'Late and repeated copies take no credit away',
    clauses: ['GSP-073', 'GSP-072', 'GSP-070'],
    levels: ['adapter'],
    plans: fc.integer({ min: 1, max: 3 }).map((repeats) => {
      // Link 0 is first half of the time and late, over and over, the other half; links 2 and 3 share the rest.
      const rows = [
        [0, 1, 2, 3],
        [1, 2, 3, ...Array.from({ length: repeats }, () => 0)],
        [0, 1, 3, 2, ...Array.from({ length: repeats }, () => 0)],
        [1, 3, 2, 0],
      ];
      return plan([...stakedSessions(4), ...ordered('stake-1', rows, 20), wait(3_000)], staked);
    }),
    rules: [{ ...prunesLateLinks, judge: (view) => renamed(prunesLateLinks.judge(view)) }],
    runs: 3,
    attacks: ['replayed copies with spoofed sender'],
  }),
  gossipCheck({
    id: 'gossip.prune.not-early',
    title: 'No Prune before enough messages of the origin have come',
    clauses: ['GSP-071'],
    levels: ['adapter'],
    plans: fc
      .constantFrom(19, 15, 10)
      .map((count) => plan([...stakedSessions(4), ...ordered('stake-1', [[0, 1, 2, 3]], count), wait(5_000)], staked)),
    rules: [prunesWithinBounds],
    runs: 3,
  }),
  gossipCheck({
    id: 'gossip.prune.never-the-origin',
    title: 'An origin is not pruned for its own messages',
    clauses: ['GSP-074'],
    levels: ['adapter'],
    plans: fc.constantFrom(1, 2).map((before) => {
      const steps: Step[] = [...stakedSessions(3), { op: 'open', link: 3, peer: 'stake-1', mode: 'session' }];
      return plan([...steps, ...ordered('stake-1', [before === 1 ? [0, 1, 2, 3] : [1, 2, 0, 3]], 20), wait(3_000)], staked);
    }),
    rules: [prunesWithinBounds],
    runs: 2,
  }),
  gossipCheck({
    id: 'gossip.prune.never-an-origin-of-many',
    title: 'None of the origins without stake is pruned for their messages when its own are among them',
    clauses: ['GSP-074'],
    levels: ['adapter'],
    plans: fc.integer({ min: 1, max: 19 }).map((own) => {
      const steps: Step[] = [...sessions(0, 3), { op: 'open', link: 3, peer: 'author-3', mode: 'session' }];
      const authored = Array.from({ length: 20 }, (_, index) => of(index < own ? 'author-3' : 'other', index));
      return plan([...steps, ...authored.flatMap((spec) => [0, 1, 2, 3].map((link) => push(link, [spec]))), wait(3_000)], staked);
    }),
    rules: [prunesWithinBounds],
    runs: 2,
  }),
  gossipCheck({
    id: 'gossip.prune.stake-amounts',
    title: 'The share of stake is taken of the smaller of the node’s and the origin’s, exactly, and reached when it is equalled',
    clauses: ['GSP-070', 'GSP-072'],
    levels: ['adapter'],
    // Stake of the node, of the origin, and of the peers in the order in which their copies come.
    plans: fc
      .constantFrom<readonly [number, number, readonly number[]]>(
        [1_000, 1_000, [75, 75, 1, 0]], // equalled by two
        [1_000, 1_000, [75, 74, 1, 0]], // by three
        [1_003, 1_003, [75, 75, 1, 0]], // 150.45: two are not enough
        [1_000, 2_000, [75, 75, 75, 75]], // of the node's
        [2_000, 1_000, [75, 75, 75, 75]], // of the origin's
        [0, 1_000, [0, 0, 75, 75]], // no share of nothing
        [9_000_000_000_000_027, 9_000_000_000_000_027, [1_350_000_000_000_000, 4, 1, 0]], // products beyond the integers of a float
      )
      .map(([node, author, peers]) =>
        plan([...stakedSessions(peers.length), ...ordered('stake-1', [peers.map((_, index) => index)], 20), wait(3_000)], {
          stakes: true,
          stakeAmounts: {
            node,
            'stake-1': author,
            ...Object.fromEntries(peers.map((amount, index) => [`stake-${index + 2}`, amount])),
          },
        }),
      ),
    rules: [prunesLateLinks, prunesWithinBounds],
    runs: 30,
  }),
  gossipCheck({
    id: 'gossip.prune.leaver',
    title: 'The end of a session takes nothing from what was counted on the others',
    clauses: ['GSP-070', 'GSP-072'],
    levels: ['adapter'],
    plans: fc.integer({ min: 1, max: 19 }).map((before) => {
      const specs = Array.from({ length: 20 }, (_, index) => of('plain', index));
      const copies = (links: readonly number[], some: readonly EnvelopeSpec[]): Step[] =>
        some.flatMap((spec) => links.map((link) => push(link, [spec])));
      return plan(
        [
          ...sessions(0, 4),
          ...copies([0, 1, 2, 3], specs.slice(0, before)),
          { op: 'closeLink', link: 3 },
          ...copies([0, 1, 2], specs.slice(before)),
          wait(3_000),
        ],
        staked,
      );
    }),
    rules: [prunesLateLinks, prunesWithinBounds],
    runs: 3,
  }),
  gossipCheck({
    id: 'gossip.prune.rank',
    title: 'A link that was second more often stays, whatever late or repeated copies came on it and on others',
    clauses: ['GSP-073', 'GSP-072', 'GSP-070'],
    levels: ['adapter'],
    plans: fc.integer({ min: 1, max: 4 }).map((repeats) => {
      // Link 1 is second eleven times and late nine times; link 2 is second nine times, and repeats itself.
      const steps = Array.from({ length: 20 }, (_, index): Step[] => {
        const spec = of('plain', index);
        const again = Array.from({ length: repeats }, () => push(2, [spec]));
        return index < 11 ? [push(0, [spec]), push(1, [spec])] : [push(0, [spec]), push(2, [spec]), ...again, push(1, [spec])];
      });
      return plan([...sessions(0, 3), ...steps.flat(), wait(3_000)], staked);
    }),
    rules: [{ ...prunesLateLinks, judge: (view) => renamed(prunesLateLinks.judge(view)) }],
    runs: 2,
  }),
  gossipCheck({
    id: 'gossip.prune.counts-anew',
    title: 'After a count the next one begins at nothing, whether or not it pruned a link',
    clauses: ['GSP-071'],
    levels: ['adapter'],
    plans: fc
      .record({ pruned: fc.boolean(), more: fc.integer({ min: 1, max: 19 }) })
      .map(({ pruned, more }) =>
        plan(
          [
            ...sessions(0, 4),
            ...ordered('plain', [pruned ? [0, 1, 2] : [0, 1]], 20),
            wait(2_100),
            ...Array.from({ length: more }, (_, index) => [0, 1, 2, 3].map((link) => push(link, [of('plain', 100 + index)]))).flat(),
            wait(3_000),
          ],
          staked,
        ),
      ),
    rules: [prunesWithinBounds],
    runs: 6,
  }),
  gossipCheck({
    id: 'gossip.graft.sent',
    title: 'A message of a pruned origin that had to be asked for brings a Graft',
    clauses: ['GSP-075'],
    levels: ['adapter'],
    plans: fc.constantFrom('stake-1', 'plain').map((origin) => {
      const missed = of(origin, 99);
      return plan(
        [
          ...(origin === 'plain' ? sessions(0, 3) : stakedSessions(3)),
          ...ordered(origin, [[0, 1, 2]], 20),
          wait(3_000),
          ihave(2, [idOf(missed)]),
          wait(1_600),
          push(2, [missed]),
          wait(1_500),
        ],
        staked,
      );
    }),
    rules: [graftsWhenAsked],
    runs: 2,
  }),
  gossipCheck({
    id: 'gossip.prune.count',
    title: 'Links that are late for more than 32 origins at once are pruned with 1 to 32 of them in each Prune',
    clauses: ['GSP-076', 'GSP-072'],
    levels: ['adapter'],
    plans: fc.integer({ min: 33, max: 36 }).map((origins) => {
      const messages = Array.from({ length: origins }, (_, origin) =>
        Array.from({ length: 20 }, (_, index) => of(`stake-${5 + origin}`, index)),
      ).flat();
      const batches = Array.from({ length: Math.ceil(messages.length / 60) }, (_, at) => messages.slice(60 * at, 60 * (at + 1)));
      return plan([...stakedSessions(3), ...batches.flatMap((batch) => [0, 1, 2].map((link) => push(link, batch))), wait(3_000)], staked);
    }),
    rules: [prunesWithinBounds],
    runs: 1,
  }),
];

function renamed<Result extends { readonly findings: readonly Finding[] }>(result: Result): Result {
  return {
    ...result,
    findings: result.findings.map((finding) =>
      finding.clause === 'GSP-070' || finding.clause === 'GSP-072' ? { ...finding, clause: 'GSP-073' } : finding,
    ),
  };
}
