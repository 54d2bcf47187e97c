/** Handshakes in which the kit dials: what has to be refused, in silence, and how long a handshake may take. */
import fc, { type Arbitrary } from 'fast-check';
import {
  badAddresses,
  badCapabilities,
  badEnvelopes,
  badVersions,
  type DefectPair,
  flips,
  LOW_ORDER_POINTS,
  strangeCapabilities,
} from '../arbitraries/session-hellos.ts';
import {
  type Act,
  bare,
  every,
  frames,
  handshake,
  inPlaceOfMessage1,
  nonces,
  ping,
  plan,
  raw,
  rawSession,
  type Scene,
  session,
  shuffled,
  staged,
  wait,
} from '../arbitraries/session-plans.ts';
import type { HandshakeDefect, Step } from '../driver/plan.ts';
import {
  endsSlowHandshakes,
  freshEphemerals,
  limitsHalfOpen,
  onlyHandshakeMessages,
  refusesFirstMessages,
  refusesHandshakes,
} from '../invariants/session-handshake.ts';
import { answersPings, serves } from '../invariants/wire-pong.ts';
import type { Check } from '../runner/check.ts';
import { type SessionCheckOptions, sessionCheck } from './session-check.ts';

const RAW = ['raw'];

/** A handshake with each of the defects, beside one without any and those at the edges. */
function defective(pairs: readonly DefectPair[]): Arbitrary<readonly Scene[]> {
  return shuffled(pairs).map((list) =>
    list.map(({ bad, twin }, index) => {
      const isSpared = index > 0 && twin === undefined;
      return bare((link) => [handshake(link, bad)], isSpared ? undefined : (link) => [handshake(link, twin)]);
    }),
  );
}

/** The same defect on a link beside which an earlier handshake of the plan has succeeded. */
function afterAnother(bad: HandshakeDefect): Arbitrary<readonly Scene[]> {
  return every([20], (other) => ({
    ...bare(
      (link) => [handshake(link, bad)],
      (link) => [handshake(link)],
    ),
    openBad: (link, peer) => [...rawSession(link + other, 'earlier'), raw(link, peer)],
  }));
}

interface RefusalOptions extends Pick<SessionCheckOptions, 'id' | 'title' | 'plans' | 'runs' | 'attacks'> {
  readonly clause: string;
  /** Named when the twin is not served: the clause where its values are at a limit, else SES-050. */
  readonly twinClause?: string;
}

/** The node refuses handshakes with a defect in time and in silence, serves the twin and the bystander. */
function refusal({ clause, twinClause = 'SES-050', ...options }: RefusalOptions): Check {
  const rule = refusesHandshakes([clause], (defect, link) =>
    defect === undefined || !link.label.startsWith('mallory') ? undefined : clause,
  );
  return sessionCheck({
    ...options,
    needs: RAW,
    rules: [rule, serves('twin', twinClause)],
    also: [serves('bystander', 'CNV-014'), onlyHandshakeMessages],
  });
}

/** Connections from one address that are opened and left alone. */
function idle(from: number, count: number, address: string): Step[] {
  return Array.from({ length: count }, (_, index) => raw(from + index, `idle-${from + index}`, { address }));
}

export const checks: readonly Check[] = [
  refusal({
    id: 'session.handshake.message-1-length',
    title: 'A message 1 that is not 32 bytes long ends the handshake',
    clause: 'SES-003',
    plans: staged(defective([1, 16, 31, 33, 48, 64, 96, 1_000, 4_096].map((size) => ({ bad: { kind: 'message1Length', size } })))),
    runs: 2,
    attacks: ['truncated', 'trailing bytes'],
  }),
  refusal({
    id: 'session.handshake.message-1-payload',
    title: 'A message 1 with a payload ends the handshake',
    clause: 'SES-003',
    plans: staged(defective(['00', '61'.repeat(16), '0a0b'.repeat(200)].map((bytes) => ({ bad: { kind: 'message1Payload', bytes } })))),
    runs: 2,
    attacks: ['early data before auth'],
  }),
  sessionCheck({
    id: 'session.handshake.fresh-ephemeral',
    title: 'Every handshake has an ephemeral key of its own, with the same peer and with others',
    needs: RAW,
    plans: fc
      .integer({ min: 2, max: 6 })
      .map((count) =>
        plan([
          ...Array.from({ length: count }, (_, index) => rawSession(index + 1, index % 2 === 0 ? 'alice' : `peer-${index}`)).flat(),
          wait(1_000),
        ]),
      ),
    rules: [freshEphemerals],
    also: [onlyHandshakeMessages],
    runs: 2,
  }),
  sessionCheck({
    id: 'session.handshake.low-order-point',
    title: 'An ephemeral key of small order ends the handshake before message 2',
    needs: RAW,
    plans: inPlaceOfMessage1(
      LOW_ORDER_POINTS.map(
        (bytes): Act =>
          (link) => [{ op: 'raw', link, bytes }],
      ),
    ),
    rules: [
      refusesFirstMessages(['SES-005'], ({ bytes }) =>
        typeof bytes === 'string' && LOW_ORDER_POINTS.includes(bytes) ? 'SES-005' : undefined,
      ),
      serves('twin', 'SES-050'),
    ],
    also: [serves('bystander', 'CNV-014')],
    runs: 2,
    attacks: ['small-order key registration'],
  }),
  refusal({
    id: 'session.handshake.flipped-byte',
    title: 'A message 3 with one bit altered ends the handshake',
    clause: 'SES-006',
    plans: staged(defective(flips(3))),
    runs: 2,
  }),
  refusal({
    id: 'session.handshake.replayed-message-3',
    title: 'A message 3 of an earlier handshake ends this one',
    clause: 'SES-006',
    plans: staged(afterAnother({ kind: 'replayMessage3' })),
    runs: 1,
    attacks: ['replayed message 3'],
  }),
  refusal({
    id: 'session.handshake.early-data',
    title: 'Data in place of message 3 ends the handshake and is not answered',
    clause: 'SES-006',
    plans: staged(afterAnother({ kind: 'earlyData' })),
    runs: 1,
    attacks: ['early data before auth'],
  }),
  refusal({
    id: 'session.handshake.oversize',
    title: 'A message 3 of more than 4,096 bytes ends the handshake although its hello is in order; one of 4,096 does not',
    clause: 'SES-007',
    twinClause: 'SES-007',
    plans: staged(
      defective([
        { bad: { kind: 'oversize', message: 3, size: 4_097 }, twin: { kind: 'oversize', message: 3, size: 4_096 } },
        { bad: { kind: 'oversize', message: 3, size: 4_098 }, twin: { kind: 'oversize', message: 3, size: 4_095 } },
        { bad: { kind: 'oversize', message: 3, size: 4_200 } },
      ]),
    ),
    runs: 2,
    attacks: ['length prefix > limit'],
  }),
  sessionCheck({
    id: 'session.handshake.timeout',
    title: 'A handshake that stops after any message ends at its timeout, not before; one that ends just in time is served',
    needs: RAW,
    levels: ['adapter'],
    plans: fc
      .tuple(fc.constantFrom<(0 | 1 | 2)[]>(0, 1, 2), fc.integer({ min: 0, max: 4_000 }), fc.constantFrom(1, 2, 500))
      .map(([message, startMs, spareMs]) =>
        plan([
          session(3, 'bystander'),
          raw(1, 'slow'),
          raw(2, 'twin'),
          wait(startMs),
          ...(message === 0 ? [] : [handshake(1, { kind: 'stopAfter', message })]),
          wait(5_000 - spareMs - startMs),
          handshake(2),
          ping(2),
          wait(spareMs + 1_000),
          ping(2),
          ping(3),
          wait(1_000),
        ]),
      ),
    rules: [endsSlowHandshakes('inbound'), serves('twin', 'SES-008')],
    also: [serves('bystander', 'CNV-014'), onlyHandshakeMessages],
    runs: 9,
    attacks: ['half-open flood', 'slow-loris frame'],
  }),
  sessionCheck({
    id: 'session.handshake.timeout-wall',
    title: 'A connection without a handshake ends at its timeout on a real clock; one that takes its time is served',
    needs: RAW,
    levels: ['wire'],
    plans: fc.constant(
      plan([
        raw(1, 'slow'),
        raw(2, 'twin'),
        raw(3, 'slow-too'),
        handshake(3, { kind: 'stopAfter', message: 1 }),
        wait(2_500),
        handshake(2),
        ping(2),
        wait(4_700),
      ]),
    ),
    rules: [endsSlowHandshakes('inbound'), serves('twin', 'SES-008')],
    attacks: ['half-open flood', 'slow-loris frame'],
  }),
  sessionCheck({
    id: 'session.handshake.half-open-address',
    title:
      'Beside four half-open connections of an address a fifth is refused; others have room, and so has the address when one completes',
    needs: RAW,
    plans: fc
      .integer({ min: 1, max: 3 })
      .map((extra) =>
        plan([
          ...idle(1, 3, '198.51.100.7'),
          raw(4, 'twin-fourth', { address: '198.51.100.7' }),
          ...idle(10, extra, '198.51.100.7'),
          raw(20, 'twin-elsewhere', { address: '198.51.100.8' }),
          handshake(20),
          handshake(4),
          raw(21, 'twin-after', { address: '198.51.100.7' }),
          handshake(21),
          ping(4),
          ping(20),
          ping(21),
          wait(2_000),
        ]),
      ),
    rules: [limitsHalfOpen('SES-010'), serves('twin', 'SES-010')],
    runs: 3,
    attacks: ['half-open flood', 'connection slot exhaustion'],
  }),
  sessionCheck({
    id: 'session.handshake.half-open-total',
    title: 'Beside 32 half-open connections a further one is refused, from whatever address; sessions go on, and room comes back',
    needs: RAW,
    levels: ['adapter'],
    plans: fc
      .integer({ min: 1, max: 4 })
      .map((extra) =>
        plan([
          session(100, 'bystander'),
          ...Array.from({ length: 8 }, (_, group) => idle(1 + group * 4, group === 7 ? 3 : 4, `198.51.100.${group + 1}`)).flat(),
          raw(50, 'twin-last', { address: '198.51.100.8' }),
          ...Array.from({ length: extra }, (_, index) => raw(60 + index, `late-${index}`, { address: `198.51.100.${20 + index}` })),
          ping(100),
          handshake(50),
          ping(50),
          raw(70, 'twin-after', { address: '198.51.100.30' }),
          handshake(70),
          ping(70),
          wait(2_000),
        ]),
      ),
    rules: [limitsHalfOpen('SES-011'), serves('twin', 'SES-011')],
    also: [serves('bystander', 'CNV-014')],
    runs: 2,
    attacks: ['half-open flood', 'connection slot exhaustion'],
  }),
  sessionCheck({
    id: 'session.handshake.nothing-before',
    title: 'Before the handshake is complete the node sends handshake messages only, however long it takes',
    needs: RAW,
    plans: fc
      .constantFrom<(0 | 1 | 2)[]>(0, 1, 2)
      .map((message) =>
        plan([
          raw(1, 'slow'),
          ...(message === 0 ? [] : [handshake(1, { kind: 'stopAfter', message })]),
          wait(1_500),
          raw(2, 'twin'),
          handshake(2),
          ping(2),
          wait(1_000),
        ]),
      ),
    rules: [onlyHandshakeMessages, serves('twin', 'SES-050')],
    runs: 3,
  }),
  refusal({
    id: 'session.handshake.prologue',
    title: 'A message 3 made with the prologue of another network ends the handshake without a word',
    clause: 'SES-013',
    plans: staged(defective(['another-network', 'x', 'n'.repeat(32)].map((networkId) => ({ bad: { kind: 'prologue', networkId } })))),
    runs: 2,
    attacks: ['prologue mismatch'],
  }),
  refusal({
    id: 'session.handshake.envelope',
    title: 'A hello whose envelope is not accepted ends the handshake: signature, context, network, version, encoding',
    clause: 'SES-014',
    plans: staged(defective(badEnvelopes)),
    runs: 2,
    attacks: [
      'wrong static-key signature',
      'cross-context replay',
      'cross-network replay',
      'trailing bytes',
      'explicit default',
      'duplicate singular field',
      'unknown field inside signed payload',
    ],
  }),
  refusal({
    id: 'session.handshake.other-static-key',
    title: 'A hello that names another static key ends the handshake although it is signed',
    clause: 'SES-015',
    plans: staged(defective([{ bad: { kind: 'otherStaticKey' } }])),
    runs: 1,
    attacks: ['wrong static-key signature', 'signer ≠ claimed origin'],
  }),
  refusal({
    id: 'session.handshake.side',
    title: 'A hello of the other side ends the handshake',
    clause: 'SES-016',
    plans: staged(defective([{ bad: { kind: 'side' } }])),
    runs: 1,
    attacks: ['reflection'],
  }),
  refusal({
    id: 'session.handshake.reflected',
    title: "The node's own hello sent back ends the handshake",
    clause: 'SES-016',
    plans: staged(afterAnother({ kind: 'reflectHello' })),
    runs: 1,
    attacks: ['reflection'],
  }),
  sessionCheck({
    id: 'session.handshake.self',
    title: 'A peer that proves the identity of the node itself is refused',
    needs: RAW,
    plans: fc.constant(plan([raw(2, 'twin'), handshake(2), raw(1, 'node'), handshake(1), ping(2), wait(2_000)])),
    rules: [refusesHandshakes(['SES-017'], (_, link) => (link.label === 'node' ? 'SES-017' : undefined)), serves('twin', 'SES-050')],
    attacks: ['reflection'],
  }),
  refusal({
    id: 'session.handshake.minor-version',
    title: 'A minor version range without 0, or upside down, ends the handshake; a wider one that holds 0 does not',
    clause: 'SES-019',
    twinClause: 'SES-019',
    plans: staged(defective(badVersions)),
    runs: 2,
    attacks: ['downgrade of version list'],
  }),
  refusal({
    id: 'session.handshake.capabilities',
    title: 'A capability list that is too long, unordered, repeated or malformed ends the handshake; one at the edges does not',
    clause: 'SES-021',
    twinClause: 'SES-021',
    plans: staged(defective(badCapabilities)),
    runs: 2,
    attacks: ['non-UTF-8 string'],
  }),
  sessionCheck({
    id: 'session.handshake.unknown-capabilities',
    title: 'A hello with capabilities and role bits that nobody knows is accepted',
    needs: RAW,
    plans: fc
      .tuple(fc.constantFrom(0, 1, 16, 0x8000_0000, 0xffff_ffff), fc.constantFrom(1, 7, 62))
      .map(([roles, count]) =>
        plan([
          raw(1, 'twin'),
          { op: 'handshake', link: 1, roles, capabilities: [...strangeCapabilities(count), 'gossip/1', 'gossip/2'] },
          ping(1),
          wait(2_000),
        ]),
      ),
    rules: [serves('twin', 'SES-023')],
    runs: 5,
  }),
  refusal({
    id: 'session.handshake.listen-addresses',
    title: 'A hello with more than eight listen addresses, or one with a malformed host or port, ends the handshake',
    clause: 'SES-024',
    twinClause: 'SES-024',
    plans: staged(defective(badAddresses)),
    runs: 2,
  }),
  sessionCheck({
    id: 'session.transport.behind-message-3',
    title: 'Frames that arrive directly behind message 3 are taken',
    needs: RAW,
    plans: fc
      .array(nonces, { minLength: 1, maxLength: 5 })
      .map((list) =>
        plan([...rawSession(1, 'alice'), frames(1, ...list.map((nonce) => ({ body: { type: 'Ping' as const, nonce } }))), wait(2_000)]),
      ),
    rules: [answersPings({ missing: 'SES-032', misaddressed: 'WIR-033', late: 'SES-051' })],
    runs: 3,
  }),
];
