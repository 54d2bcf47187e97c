/** Handshakes in which the node dials: its first message, and what it has to refuse without sending message 3. */
import fc, { type Arbitrary } from 'fast-check';
import {
  badAddresses,
  badCapabilities,
  badEnvelopes,
  badVersions,
  type DefectPair,
  flips,
  strangeCapabilities,
} from '../arbitraries/session-hellos.ts';
import {
  dialled,
  every,
  handshake,
  ping,
  plan,
  rawSession,
  type Scene,
  session,
  shuffled,
  staged,
  wait,
} from '../arbitraries/session-plans.ts';
import {
  endsSlowHandshakes,
  freshEphemerals,
  onlyHandshakeMessages,
  refusesHandshakes,
  shortFirstMessage,
} from '../invariants/session-handshake.ts';
import { serves } from '../invariants/wire-pong.ts';
import type { Check } from '../runner/check.ts';
import { type SessionCheckOptions, sessionCheck } from './session-check.ts';

const NEEDS = ['raw', 'outbound'];

/** Most defects of one plan: each peer takes 200 ms to be dialled. */
const DEFECTS_MAX = 8;

/** The node has dialled all peers, whoever they may be; some handshakes have a defect, the others have none or are at the edge. */
function answered(pairs: readonly DefectPair[]): Arbitrary<readonly Scene[]> {
  return shuffled(pairs).map((list) =>
    list.slice(0, DEFECTS_MAX).map(
      ({ bad, twin }, index): Scene => ({
        openBad: (link, peer) => dialled(link, peer),
        openTwin: (link, peer) => dialled(link, peer),
        bad: (link) => [handshake(link, bad)],
        ...(index > 0 && twin === undefined ? {} : { twin: (link: number) => [handshake(link, twin)] }),
      }),
    ),
  );
}

interface RefusalOptions extends Pick<SessionCheckOptions, 'id' | 'title' | 'plans' | 'runs' | 'attacks'> {
  readonly clause: string;
  readonly twinClause?: string;
}

/** The node ends the handshake in time without message 3, and serves the twin and the bystander. */
function refusal({ clause, twinClause = 'SES-050', ...options }: RefusalOptions): Check {
  const rule = refusesHandshakes([clause], (defect, link) =>
    defect === undefined || !link.label.startsWith('mallory') ? undefined : clause,
  );
  return sessionCheck({
    ...options,
    needs: NEEDS,
    levels: ['adapter'],
    rules: [rule, serves('twin', twinClause)],
    also: [serves('bystander', 'CNV-014'), onlyHandshakeMessages],
  });
}

export const checks: readonly Check[] = [
  sessionCheck({
    id: 'session.dial.message-1',
    title: 'The first message of a node that dialled is 32 bytes, its ephemeral key new every time',
    needs: NEEDS,
    levels: ['adapter'],
    plans: fc
      .integer({ min: 2, max: 4 })
      .map((count) =>
        plan([
          ...Array.from({ length: count }, (_, index) => [
            ...dialled(index + 1, `twin-${index}`),
            handshake(index + 1),
            ping(index + 1),
          ]).flat(),
          wait(1_000),
        ]),
      ),
    rules: [shortFirstMessage, freshEphemerals, serves('twin', 'SES-050')],
    runs: 2,
  }),
  refusal({
    id: 'session.dial.low-order-point',
    title: 'An ephemeral key of zeros in message 2 ends the handshake',
    clause: 'SES-005',
    plans: staged(answered([{ bad: { kind: 'zeroEphemeral' } }])),
    runs: 1,
    attacks: ['small-order key registration', 'all-zero key'],
  }),
  refusal({
    id: 'session.dial.flipped-byte',
    title: 'A message 2 with one bit altered ends the handshake',
    clause: 'SES-006',
    plans: staged(answered(flips(2))),
    runs: 3,
  }),
  refusal({
    id: 'session.dial.prologue',
    title: 'A message 2 made with the prologue of another network ends the handshake',
    clause: 'SES-006',
    plans: staged(answered([{ bad: { kind: 'prologue', networkId: 'another-network' } }])),
    runs: 1,
    attacks: ['prologue mismatch'],
  }),
  refusal({
    id: 'session.dial.oversize',
    title: 'A message 2 of more than 4,096 bytes ends the handshake although its hello is in order; one of 4,096 does not',
    clause: 'SES-007',
    twinClause: 'SES-007',
    plans: staged(
      answered([
        { bad: { kind: 'oversize', message: 2, size: 4_097 }, twin: { kind: 'oversize', message: 2, size: 4_096 } },
        { bad: { kind: 'oversize', message: 2, size: 4_098 }, twin: { kind: 'oversize', message: 2, size: 4_095 } },
        { bad: { kind: 'oversize', message: 2, size: 4_200 } },
      ]),
    ),
    runs: 3,
    attacks: ['length prefix > limit'],
  }),
  sessionCheck({
    id: 'session.dial.timeout',
    title: 'A dialled peer that never completes the handshake is given up at the timeout, not before',
    needs: NEEDS,
    levels: ['adapter'],
    plans: fc
      .constantFrom(1, 2, 1_500)
      .map((spareMs) =>
        plan([
          session(3, 'bystander'),
          ...dialled(1, 'slow'),
          ...dialled(2, 'twin'),
          wait(5_000 - spareMs),
          handshake(2),
          ping(2),
          wait(spareMs + 1_000),
          ping(2),
          ping(3),
          wait(1_000),
        ]),
      ),
    rules: [endsSlowHandshakes('outbound'), serves('twin', 'SES-009')],
    also: [serves('bystander', 'CNV-014')],
    runs: 3,
  }),
  refusal({
    id: 'session.dial.envelope',
    title: 'A hello in message 2 whose envelope is not accepted ends the handshake',
    clause: 'SES-014',
    plans: staged(answered(badEnvelopes)),
    runs: 5,
    attacks: ['wrong static-key signature', 'cross-context replay', 'cross-network replay'],
  }),
  refusal({
    id: 'session.dial.other-static-key',
    title: 'A hello in message 2 that names another static key ends the handshake',
    clause: 'SES-015',
    plans: staged(answered([{ bad: { kind: 'otherStaticKey' } }])),
    runs: 1,
    attacks: ['wrong static-key signature'],
  }),
  refusal({
    id: 'session.dial.side',
    title: 'A hello of the initiator in message 2 ends the handshake',
    clause: 'SES-016',
    plans: staged(answered([{ bad: { kind: 'side' } }])),
    runs: 1,
    attacks: ['reflection'],
  }),
  sessionCheck({
    id: 'session.dial.self',
    title: 'A node that reaches itself ends the handshake',
    needs: NEEDS,
    levels: ['adapter'],
    plans: fc.constant(plan([...dialled(1, 'node'), ...dialled(2, 'twin'), handshake(1), handshake(2), ping(2), wait(2_000)])),
    rules: [refusesHandshakes(['SES-017'], (_, link) => (link.label === 'node' ? 'SES-017' : undefined)), serves('twin', 'SES-050')],
    attacks: ['reflection'],
  }),
  sessionCheck({
    id: 'session.dial.unexpected-peer',
    title:
      'A node that expects a PeerId sends no message 3 to another; it does to the one it expects, and to anyone when it expects nobody',
    needs: NEEDS,
    levels: ['adapter'],
    plans: fc.boolean().map((isFirst) => {
      const bad = dialled(1, 'mallory', 'alice');
      const good = [...dialled(2, 'twin', 'twin'), ...dialled(3, 'twin-anyone')];
      return plan([
        ...(isFirst ? [...bad, ...good] : [...good, ...bad]),
        handshake(1),
        handshake(2),
        handshake(3),
        ping(2),
        ping(3),
        wait(2_000),
      ]);
    }),
    rules: [refusesHandshakes(['SES-018'], (_, link) => (link.label === 'mallory' ? 'SES-018' : undefined)), serves('twin', 'SES-050')],
    runs: 2,
    attacks: ['unexpected peer id'],
  }),
  refusal({
    id: 'session.dial.minor-version',
    title: 'A minor version range without 0 in message 2 ends the handshake',
    clause: 'SES-019',
    twinClause: 'SES-019',
    plans: staged(answered(badVersions)),
    runs: 3,
    attacks: ['downgrade of version list'],
  }),
  refusal({
    id: 'session.dial.capabilities',
    title: 'A capability list that is not in order in message 2 ends the handshake',
    clause: 'SES-021',
    twinClause: 'SES-021',
    plans: staged(answered(badCapabilities)),
    runs: 5,
  }),
  refusal({
    id: 'session.dial.listen-addresses',
    title: 'A malformed listen address, or a ninth, in message 2 ends the handshake',
    clause: 'SES-024',
    twinClause: 'SES-024',
    plans: staged(answered(badAddresses)),
    runs: 5,
  }),
  sessionCheck({
    id: 'session.dial.unknown-capabilities',
    title: 'A dialled peer with capabilities and role bits that nobody knows is accepted',
    needs: NEEDS,
    levels: ['adapter'],
    plans: fc
      .tuple(fc.constantFrom(0, 16, 0xffff_ffff), fc.constantFrom(1, 63))
      .map(([roles, count]) =>
        plan([
          ...dialled(1, 'twin'),
          { op: 'handshake', link: 1, roles, capabilities: [...strangeCapabilities(count), 'gossip/1'] },
          ping(1),
          wait(2_000),
        ]),
      ),
    rules: [serves('twin', 'SES-023')],
    runs: 3,
  }),
  refusal({
    id: 'session.dial.reflected',
    title: "The node's own hello, learnt from another handshake, ends the handshake",
    clause: 'SES-016',
    plans: staged(
      every([20], (other) => ({
        openBad: (link, peer) => [...rawSession(link + other, 'earlier'), ...dialled(link, peer)],
        openTwin: (link, peer) => dialled(link, peer),
        bad: (link) => [handshake(link, { kind: 'reflectHello' })],
        twin: (link) => [handshake(link)],
      })),
    ),
    runs: 1,
    attacks: ['reflection'],
  }),
];
