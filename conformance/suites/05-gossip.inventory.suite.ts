/** Asking and answering: Iwants, their caps, their timeouts, and where to turn next. */
import fc from 'fast-check';
import { bogusId, idOf, ihave, iwant, message, ping, plan, push, sessions, spoilt, wait } from '../arbitraries/gossip-plans.ts';
import type { Step } from '../driver/plan.ts';
import { answersIwants, asksForAnnounced, ihaveCaps } from '../invariants/gossip-announce.ts';
import { acceptedIsTaken } from '../invariants/gossip-verdict.ts';
import type { Check } from '../runner/check.ts';
import { gossipCheck } from './gossip-check.ts';

export const checks: readonly Check[] = [
  gossipCheck({
    id: 'gossip.iwant.answer',
    title: 'A message that the node has is sent to whoever asks for it',
    clauses: ['GSP-052'],
    plans: fc
      .record({ afterMs: fc.constantFrom(0, 700, 2_000), count: fc.integer({ min: 1, max: 4 }), asker: fc.constantFrom(0, 1) })
      .map(({ afterMs, count, asker }) => {
        const specs = Array.from({ length: count }, (_, index) => message(`w${index}`));
        return plan([...sessions(0, 3), push(0, specs), wait(afterMs + 300), iwant(asker, specs.map(idOf)), wait(1_500, 2_200)]);
      }),
    rules: [answersIwants],
  }),
  gossipCheck({
    id: 'gossip.iwant.cache-time',
    title: 'A message can be asked for as long as the cache time',
    clauses: ['GSP-052'],
    levels: ['adapter'],
    plans: fc.constantFrom(30_000, 29_999, 20_000).map((afterMs) => {
      const spec = message('kept', { ageMs: 0 });
      return plan([...sessions(0, 3), push(0, [spec]), wait(afterMs), iwant(1, [idOf(spec)]), wait(1_500, 2_200)]);
    }),
    rules: [answersIwants],
  }),
  gossipCheck({
    id: 'gossip.iwant.cache-order',
    title: 'When old messages leave the cache the later ones stay',
    clauses: ['GSP-052'],
    levels: ['adapter'],
    plans: fc.constantFrom(30_001, 31_000, 45_000).map((afterMs) => {
      const specs = [message('second'), message('third')];
      return plan([
        ...sessions(0, 3),
        push(0, [message('first')]),
        wait(afterMs),
        ...specs.map((spec) => push(0, [spec])),
        wait(300),
        iwant(1, specs.map(idOf)),
        wait(1_500),
      ]);
    }),
    rules: [answersIwants],
    runs: 2,
  }),
  gossipCheck({
    id: 'gossip.iwant.own',
    title: 'The node’s own message is sent to whoever asks for it',
    clauses: ['GSP-052'],
    levels: ['adapter'],
    plans: fc
      .constantFrom(1_200, 5_000)
      .map((afterMs) =>
        plan([
          ...sessions(0, 14),
          { op: 'publish', topic: 'app/kit', data: '0b' },
          wait(2_100),
          ...Array.from({ length: 14 }, (_, link) => iwant(link, [{ ref: '$*.ihave.ids.0' }])),
          wait(afterMs),
        ]),
      ),
    rules: [answersIwants],
    runs: 2,
  }),
  gossipCheck({
    id: 'gossip.iwant.repeat',
    title: 'One message is sent a bounded number of times to one link',
    clauses: ['GSP-053', 'GSP-052'],
    plans: fc.record({ times: fc.integer({ min: 4, max: 7 }), gap: fc.constantFrom(0, 60, 5_500) }).map(({ times, gap }) => {
      const spec = message('again');
      const requests = Array.from({ length: times }, (): Step[] => [iwant(1, [idOf(spec)]), ...(gap === 0 ? [] : [wait(gap, 60)])]).flat();
      return plan([...sessions(0, 2), push(0, [spec]), wait(300), ...requests, wait(1_500, 2_200)]);
    }),
    rules: [answersIwants],
    attacks: ['IWANT repeat'],
  }),
  gossipCheck({
    id: 'gossip.iwant.cap',
    title: 'Ids beyond the cap of a window of Iwants are not answered; in the next window they are',
    clauses: ['GSP-054', 'GSP-052'],
    levels: ['adapter'],
    plans: fc.record({ over: fc.integer({ min: 0, max: 30 }), later: fc.boolean() }).map(({ over, later }) => {
      const spec = message('beyond');
      const filler = Array.from({ length: 100 + over }, (_, index) => bogusId(index + 1));
      return plan([
        ...sessions(0, 2),
        push(0, [spec]),
        wait(50),
        iwant(0, [...filler, idOf(spec)]),
        wait(900),
        ...(later ? [wait(200), iwant(0, [idOf(spec)])] : []),
        wait(1_500, 2_200),
      ]);
    }),
    rules: [answersIwants],
  }),
  gossipCheck({
    id: 'gossip.iwant.windows',
    title: 'A window counts ids across frames, begins with the first id after a pause and ends a heartbeat later to the millisecond',
    clauses: ['GSP-054', 'GSP-052'],
    levels: ['adapter'],
    plans: fc
      .record({
        startMs: fc.constantFrom(0, 550, 999),
        first: fc.constantFrom(1, 60, 99),
        laterMs: fc.constantFrom(0, 500, 999),
      })
      .map(({ startMs, first, laterMs }) => {
        const [within, beyond, next] = [message('within'), message('beyond'), message('next')];
        const filler = (from: number, count: number): string[] => Array.from({ length: count }, (_, index) => bogusId(from + index));
        return plan([
          ...sessions(0, 2),
          wait(1_000 + startMs),
          push(0, [within, beyond, next]),
          wait(50),
          iwant(0, filler(1, first)),
          ...(laterMs === 0 ? [] : [wait(laterMs)]),
          // The last id that the window takes, and the first that it does not.
          iwant(0, [...filler(200, 99 - first), idOf(within), idOf(beyond)]),
          wait(1_000 - laterMs),
          iwant(0, [idOf(next)]),
          wait(1_500),
        ]);
      }),
    rules: [answersIwants],
  }),
  gossipCheck({
    id: 'gossip.iwant.unknown',
    title: 'Ids that belong to nothing are passed over, and the session lives',
    clauses: ['GSP-052'],
    plans: fc.integer({ min: 1, max: 40 }).map((count) => {
      const spec = message('real');
      return plan([
        ...sessions(0, 2),
        push(0, [spec]),
        wait(300),
        iwant(1, [...Array.from({ length: count }, (_, index) => bogusId(index + 1)), idOf(spec)]),
        ping(1),
        wait(1_500, 2_200),
      ]);
    }),
    rules: [answersIwants],
  }),
  gossipCheck({
    id: 'gossip.ihave.ask',
    title: 'An announced message that does not come is asked for in time, and then delivered',
    clauses: ['GSP-055'],
    plans: fc.record({ announcers: fc.integer({ min: 1, max: 4 }), count: fc.integer({ min: 1, max: 5 }) }).map(({ announcers, count }) => {
      const specs = Array.from({ length: count }, (_, index) => message(`i${index}`));
      return plan([
        ...sessions(0, 5),
        ...Array.from({ length: announcers }, (_, index) => ihave(index, specs.map(idOf))),
        wait(1_600, 2_700),
        push(0, specs),
        wait(600),
      ]);
    }),
    rules: [asksForAnnounced, acceptedIsTaken],
  }),
  gossipCheck({
    id: 'gossip.ihave.came-by-itself',
    title: 'A message that came by itself is not asked for, announced before or after',
    clauses: ['GSP-056'],
    plans: fc.record({ before: fc.boolean(), gap: fc.constantFrom(10, 300, 450) }).map(({ before, gap }) => {
      const spec = message('here');
      const tell = ihave(1, [idOf(spec)]);
      return plan([...sessions(0, 4), ...(before ? [tell, wait(gap), push(0, [spec])] : [push(0, [spec]), wait(gap), tell]), wait(2_500)]);
    }),
    levels: ['adapter'],
    rules: [
      {
        ...asksForAnnounced,
        judge: (view) => ({
          ...asksForAnnounced.judge(view),
          exercised: view.mentions.some((mention) => mention.kind === 'Ihave' && mention.by === 'kit') && view.messages.size > 0,
        }),
      },
    ],
  }),
  gossipCheck({
    id: 'gossip.ihave.remembered',
    title: 'A message is not asked for as long as it is remembered, which counts from its acceptance and not from its making',
    clauses: ['GSP-056'],
    levels: ['adapter'],
    plans: fc.constantFrom(61_000, 90_000, 118_000).map((afterMs) => {
      const spec = message('dated', { ageMs: 59_000 });
      return plan([...sessions(0, 3), push(0, [spec]), wait(afterMs), ihave(1, [idOf(spec)]), wait(1_900)]);
    }),
    rules: [
      {
        ...asksForAnnounced,
        judge: (view) => ({
          ...asksForAnnounced.judge(view),
          exercised: view.mentions.some((mention) => mention.by === 'kit' && mention.ids.some((id) => view.messages.has(id))),
        }),
      },
    ],
    runs: 3,
  }),
  gossipCheck({
    id: 'gossip.ihave.own',
    title: 'A message that the node published is not asked for when it is announced to it, however often',
    clauses: ['GSP-056'],
    levels: ['adapter'],
    plans: fc.constantFrom(10, 20_000, 100_000).map((afterMs) => {
      const id = { ref: '$*.ihave.ids.0' };
      const links = Array.from({ length: 14 }, (_, link) => link);
      return plan([
        ...sessions(0, 14),
        { op: 'publish', topic: 'app/kit', data: '0d' },
        wait(2_100),
        wait(afterMs),
        ...links.map((link) => ihave(link, [id])),
        wait(5_000),
      ]);
    }),
    rules: [
      {
        ...asksForAnnounced,
        judge: (view) => ({
          ...asksForAnnounced.judge(view),
          exercised: view.mentions.some((mention) => mention.by === 'kit' && mention.ids.some((id) => view.messages.get(id)?.own === true)),
        }),
      },
    ],
    runs: 2,
  }),
  gossipCheck({
    id: 'gossip.ihave.one-iwant',
    title: 'One message is asked for from one peer at a time',
    clauses: ['GSP-057', 'GSP-055'],
    plans: fc
      .record({ announcers: fc.integer({ min: 2, max: 6 }), stagger: fc.constantFrom(0, 100, 400) })
      .map(({ announcers, stagger }) => {
        const spec = message('wanted');
        return plan([
          ...sessions(0, 7),
          ...Array.from({ length: announcers }, (_, index): Step[] => [
            ihave(index, [idOf(spec)]),
            ...(stagger === 0 ? [] : [wait(stagger)]),
          ]).flat(),
          wait(2_200),
        ]);
      }),
    rules: [asksForAnnounced],
  }),
  gossipCheck({
    id: 'gossip.ihave.next-source',
    title: 'When an asked peer does not deliver, the next announcer is asked',
    clauses: ['GSP-058', 'GSP-057', 'GSP-055'],
    levels: ['adapter'],
    plans: fc
      .record({ announcers: fc.integer({ min: 2, max: 7 }), waitMs: fc.constantFrom(4_600, 8_000, 16_000) })
      .map(({ announcers, waitMs }) => {
        const spec = message('withheld');
        return plan([...sessions(0, 8), ...Array.from({ length: announcers }, (_, index) => ihave(index, [idOf(spec)])), wait(waitMs)]);
      }),
    rules: [asksForAnnounced],
    attacks: ['IHAVE with bogus ids, never answered', 'inventory blocking by the first announcer'],
  }),
  gossipCheck({
    id: 'gossip.ihave.rejected-answer',
    title: 'A rejected copy is no answer: the node goes on waiting, and asks the next announcer in its time',
    clauses: ['GSP-055', 'GSP-057', 'GSP-058'],
    levels: ['adapter'],
    plans: fc
      .record({ announcers: fc.integer({ min: 2, max: 4 }), waitMs: fc.constantFrom(100, 600, 2_000) })
      .map(({ announcers, waitMs }) => {
        const spec = message('spoilt');
        const links = Array.from({ length: announcers }, (_, link) => link);
        return plan([
          ...sessions(0, 6),
          ...links.map((link) => ihave(link, [idOf(spec)])),
          wait(waitMs),
          ...links.map((link) => push(link, [spoilt(spec, { kind: 'signature' })])),
          wait(9_000),
        ]);
      }),
    rules: [asksForAnnounced],
  }),
  gossipCheck({
    id: 'gossip.ihave.asked-peer-leaves',
    title: 'When the session of the asked peer ends the next announcer is asked',
    clauses: ['GSP-058', 'GSP-055'],
    levels: ['adapter'],
    plans: fc.constantFrom(100, 1_000, 2_400).map((leaveMs) => {
      const spec = message('left');
      return plan([
        ...sessions(0, 3),
        ihave(0, [idOf(spec)]),
        wait(1_600),
        ihave(1, [idOf(spec)]),
        wait(leaveMs - 50),
        { op: 'closeLink', link: 0 },
        wait(6_000),
      ]);
    }),
    rules: [asksForAnnounced],
    runs: 3,
  }),
  gossipCheck({
    id: 'gossip.ihave.windows',
    title: 'A window of Ihaves counts ids across frames, begins with the first after a pause and ends a heartbeat later to the millisecond',
    clauses: ['GSP-055', 'GSP-059'],
    levels: ['adapter'],
    plans: fc
      .record({
        startMs: fc.constantFrom(0, 550, 999),
        first: fc.constantFrom(1, 60, 99),
        laterMs: fc.constantFrom(0, 500, 999),
      })
      .map(({ startMs, first, laterMs }) => {
        const ids = (from: number, count: number): string[] => Array.from({ length: count }, (_, index) => bogusId(from + index));
        return plan([
          ...sessions(0, 2),
          wait(1_000 + startMs),
          ihave(0, ids(1, first)),
          ...(laterMs === 0 ? [] : [wait(laterMs)]),
          ihave(0, ids(200, 100 - first + 5)),
          wait(1_000 - laterMs),
          ihave(0, ids(400, 1)),
          wait(2_000),
        ]);
      }),
    rules: [ihaveCaps, asksForAnnounced],
  }),
  gossipCheck({
    id: 'gossip.ihave.caps',
    title: 'Ids and frames of Ihaves beyond the caps of a window are ignored',
    clauses: ['GSP-059'],
    levels: ['adapter'],
    plans: fc.record({ over: fc.integer({ min: 1, max: 60 }), byFrames: fc.boolean() }).map(({ over, byFrames }) => {
      const ids = Array.from({ length: 100 + over }, (_, index) => bogusId(index + 1));
      const steps = byFrames ? Array.from({ length: 14 }, (_, index) => ihave(0, [bogusId(1_000 + index)])) : [ihave(0, ids)];
      return plan([...sessions(0, 2), ...steps, wait(2_500)]);
    }),
    rules: [ihaveCaps],
    attacks: ['unbounded announcements'],
  }),
];
