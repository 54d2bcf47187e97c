/** Vectors of chapter 10, "Admission" and "Making room": whom a node in a described state lets in. */
import type { Draft } from '../draft.ts';

interface Limits {
  readonly mode?: string;
  readonly own?: string;
  readonly target?: number;
  readonly max?: number;
  readonly outbound?: number;
  readonly subnet?: number;
  readonly validator?: number;
  readonly validatorFull?: number;
  readonly full?: number;
  readonly app?: number;
}

interface Peer {
  readonly direction?: 'in' | 'out';
  readonly role?: string;
  readonly subnet?: string;
  readonly region?: string;
  readonly score?: number;
  /** Uptime of the newcomer, age of a session. */
  readonly time?: number;
  readonly mark?: string;
}

const NEWCOMER_MS = 300_000;
const MARGIN = 100_000;

function limitWords(limits: Limits): string {
  const { mode = 'active', own = 'unknown', target = 4, max = 8, outbound = 2, subnet = 2 } = limits;
  const { validator = 50, validatorFull = 25, full = 25, app = 50 } = limits;
  return [mode, own, target, max, outbound, subnet, validator, validatorFull, full, app, NEWCOMER_MS, MARGIN].join(' ');
}

function peerWords({ direction = 'in', role = 'app', subnet = '-', region = 'unknown', score = 0, time = 0, mark = '-' }: Peer): string {
  return [direction, role, subnet, region, score, time, mark].join(' ');
}

/** Alike sessions but for what is given, with scores 500,000 and above. */
function many(count: number, peer: Peer = {}): readonly Peer[] {
  return Array.from({ length: count }, (_, index) => ({ score: 500_000 + index, time: 1_000_000 + index, ...peer }));
}

function draft(
  clause: string,
  flag: string,
  id: string,
  comment: string,
  newcomer: Peer,
  sessions: readonly Peer[],
  limits: Limits = {},
  decidedBy = clause,
): Draft {
  return {
    id,
    comment,
    clauses: [clause],
    flags: [flag],
    args: [limitWords(limits), peerWords(newcomer), ...sessions.map(peerWords)],
    decidedBy,
  };
}

const OUT: Peer = { direction: 'out' };
const KNOWN: Peer = { time: NEWCOMER_MS, score: 900_000 };

function refusals(): readonly Draft[] {
  const full: Limits = { app: 100, validator: 100 };
  return [
    draft('TOP-016', 'plain', 'first', 'the first session of a node', {}, [], {}, 'TOP-016'),
    draft('TOP-016', 'plain', 'first-outbound', 'the first session, dialled by the node', OUT, []),
    draft('TOP-016', 'plain', 'passive', 'a session of a passive node', {}, many(3), { mode: 'passive' }),
    draft('TOP-010', 'plain', 'banned', 'the peer is banned', { mark: 'banned' }, []),
    draft('TOP-010', 'plain', 'banned-outbound', 'the peer is banned, and the node dialled', { ...OUT, mark: 'banned' }, []),
    draft('TOP-010', 'plain', 'banned-passive', 'the peer is banned, the node passive', { mark: 'banned' }, [], { mode: 'passive' }),
    draft('TOP-011', 'edge', 'subnet-full', 'two inbound sessions from the subnet', { subnet: 'a' }, many(2, { subnet: 'a' })),
    draft('TOP-016', 'edge', 'subnet-room', 'one inbound session from the subnet', { subnet: 'a' }, many(1, { subnet: 'a' })),
    draft('TOP-016', 'edge', 'subnet-other', 'two from another subnet', { subnet: 'b' }, many(2, { subnet: 'a' })),
    draft('TOP-016', 'edge', 'subnet-none', 'three without a subnet', {}, many(3)),
    draft(
      'TOP-016',
      'edge',
      'subnet-outbound',
      'two outbound sessions to the subnet do not count',
      { subnet: 'a' },
      many(2, { subnet: 'a', ...OUT }),
    ),
    draft(
      'TOP-016',
      'edge',
      'subnet-dialled',
      'the node dialled, so the subnet does not matter here',
      { subnet: 'a', ...OUT },
      many(2, { subnet: 'a' }),
    ),
    draft(
      'TOP-011',
      'edge',
      'subnet-good',
      'no score opens a place in a subnet',
      { ...KNOWN, subnet: 'a' },
      many(2, { subnet: 'a', score: 0 }),
    ),
    draft('TOP-011', 'plain', 'subnet-passive', 'the node is passive', { subnet: 'a' }, many(2, { subnet: 'a' }), { mode: 'passive' }),
    draft('TOP-012', 'edge', 'inbound-full', 'six of eight sessions are inbound, two places are for outbound ones', {}, many(6), full),
    draft('TOP-016', 'edge', 'inbound-room', 'five inbound sessions', {}, many(5), full),
    draft('TOP-016', 'edge', 'inbound-outbound', 'six inbound sessions, and the node dialled', OUT, many(6), full),
    draft('TOP-016', 'edge', 'inbound-all', 'without places for outbound sessions seven are not too many', {}, many(7), {
      ...full,
      outbound: 0,
    }),
    draft('TOP-013', 'edge', 'role-full', 'four app sessions, the budget is half of eight', {}, many(4)),
    draft('TOP-016', 'edge', 'role-below-target', 'budgets do not bind below the target', {}, many(4), { target: 5 }),
    draft('TOP-016', 'edge', 'role-other', 'the budget of another role has room', { role: 'validator' }, many(4)),
    draft('TOP-013', 'edge', 'role-dialled', 'budgets hold for sessions that the node dials, too', OUT, many(4)),
    draft(
      'TOP-013',
      'rounding',
      'role-rounded',
      'the share of 30 percent of 8 is 3',
      { role: 'full' },
      [...many(3, { role: 'full' }), ...many(1)],
      { full: 30 },
    ),
    draft('TOP-016', 'rounding', 'role-rounded-room', 'two are below it', { role: 'full' }, [...many(2, { role: 'full' }), ...many(2)], {
      full: 30,
    }),
    draft('TOP-013', 'edge', 'role-none', 'a budget of none', { role: 'validator-full' }, many(4), { validatorFull: 0 }),
    draft('TOP-016', 'plain', 'role-validator', 'a validator finds room beside others', { role: 'validator' }, [
      ...many(3, { role: 'validator' }),
      ...many(2),
    ]),
    draft('TOP-014', 'edge', 'all-full', 'eight sessions', OUT, [...many(4), ...many(4, { ...OUT, role: 'validator' })], full),
    draft('TOP-016', 'edge', 'all-room', 'seven sessions', OUT, [...many(4), ...many(3, { ...OUT, role: 'validator' })], full),
    draft(
      'TOP-016',
      'plain',
      'protected-full',
      'a protected peer is let in beside a hundred percent',
      { mark: 'protected' },
      many(8),
      full,
    ),
    draft(
      'TOP-016',
      'plain',
      'protected-subnet',
      'a protected peer is let in from a full subnet',
      { mark: 'protected', subnet: 'a' },
      many(2, { subnet: 'a' }),
    ),
  ];
}

function regionCases(): readonly Draft[] {
  const eu: Limits = { own: 'eu', target: 4, max: 20, outbound: 0, app: 100 };
  return [
    draft(
      'TOP-015',
      'edge',
      'region-full',
      'the ceiling of oc is one of 20',
      { region: 'oc' },
      [...many(1, { region: 'oc' }), ...many(3)],
      eu,
    ),
    draft(
      'TOP-016',
      'edge',
      'region-below-target',
      'ceilings do not bind below the target',
      { region: 'oc' },
      [...many(1, { region: 'oc' }), ...many(2)],
      eu,
    ),
    draft('TOP-016', 'edge', 'region-room', 'nobody from oc yet', { region: 'oc' }, many(4), eu),
    draft('TOP-016', 'edge', 'region-unknown', 'peers that count for no region have no ceiling', {}, many(19), eu),
    draft(
      'TOP-016',
      'edge',
      'region-own-unknown',
      'a node that does not know its own region has no ceilings',
      { region: 'oc' },
      many(5, { region: 'oc' }),
      { ...eu, own: 'unknown' },
    ),
    draft('TOP-015', 'rounding', 'region-rounded', 'the ceiling of na is 4.6 of 20, so 5', { region: 'na' }, many(5, { region: 'na' }), eu),
    draft('TOP-016', 'rounding', 'region-rounded-room', 'four are below it', { region: 'na' }, many(4, { region: 'na' }), eu),
    draft(
      'TOP-016',
      'plain',
      'region-protected',
      'a protected peer is let in',
      { region: 'oc', mark: 'protected' },
      many(4, { region: 'oc' }),
      eu,
    ),
    draft(
      'TOP-015',
      'plain',
      'region-good',
      'no score opens a place of a region',
      { ...KNOWN, region: 'oc' },
      many(4, { region: 'oc', score: 0 }),
      eu,
    ),
  ];
}

function rooms(): readonly Draft[] {
  const full: Limits = { app: 100, validator: 100 };
  const six = many(6);
  const at = (
    flag: string,
    id: string,
    comment: string,
    newcomer: Peer,
    sessions: readonly Peer[],
    limits: Limits,
    clause = 'TOP-020',
    decidedBy = clause,
  ): Draft => draft(clause, flag, id, comment, newcomer, sessions, limits, decidedBy);
  const withPeer = (peer: Peer): readonly Peer[] => [...six.slice(0, 3), { ...six[3], score: 1, ...peer }, ...six.slice(4)];
  return [
    at('plain', 'room-inbound', 'the lowest score of the inbound sessions goes', { ...KNOWN }, six, full),
    at('plain', 'room-lowest', 'the lowest score stands in the middle', { ...KNOWN }, withPeer({}), full),
    at('edge', 'room-margin', 'exactly the margin above', { ...KNOWN, score: 600_000 }, six, full),
    at('edge', 'room-below-margin', 'one below the margin', { ...KNOWN, score: 599_999 }, six, full, 'TOP-020', 'TOP-012'),
    at(
      'edge',
      'room-newcomer',
      'the peer lacks one millisecond of uptime',
      { score: 1_000_000, time: NEWCOMER_MS - 1 },
      six,
      full,
      'TOP-021',
      'TOP-012',
    ),
    at('plain', 'room-fresh', 'a fresh identity', { score: 1_000_000, time: 0 }, withPeer({ score: 0 }), full, 'TOP-021', 'TOP-012'),
    at('spared', 'room-protected', 'the lowest is protected', { ...KNOWN }, withPeer({ mark: 'protected' }), full, 'TOP-022', 'TOP-020'),
    at(
      'spared',
      'room-outbound',
      'the lowest is outbound',
      { ...KNOWN, ...OUT },
      [...six, { ...OUT, score: 1 }, { ...OUT, score: 2 }],
      full,
      'TOP-022',
      'TOP-020',
    ),
    at(
      'spared',
      'room-all-outbound',
      'all are outbound: nobody goes',
      { ...KNOWN, ...OUT },
      [...many(4, { ...OUT, score: 1 }), ...many(4, { ...OUT, role: 'validator', score: 1 })],
      full,
      'TOP-022',
      'TOP-014',
    ),
    at(
      'plain',
      'room-role',
      'with a full budget somebody of the same role goes',
      { ...KNOWN },
      [...many(4), { role: 'validator', score: 1 }],
      {},
    ),
    at(
      'spared',
      'room-role-outbound',
      'all of the role are outbound',
      { ...KNOWN },
      [...many(4, OUT), { role: 'validator', score: 1 }],
      {},
      'TOP-022',
      'TOP-013',
    ),
    at(
      'tie',
      'room-younger',
      'of equal scores the younger goes',
      { ...KNOWN },
      six.map((peer, index) => ({ ...peer, score: 7, time: index === 2 ? 5 : 6 })),
      full,
    ),
    at('tie', 'room-first', 'of equal scores and ages the smallest PeerId goes', { ...KNOWN }, many(6, { score: 7, time: 6 }), full),
    at(
      'plain',
      'room-passive',
      'a passive node makes no room',
      { ...KNOWN },
      many(6, { score: 0 }),
      { ...full, mode: 'passive' },
      'TOP-023',
      'TOP-012',
    ),
    at('plain', 'room-dialled', 'room for a session that the node dialled', { ...KNOWN, ...OUT }, [...many(4), ...many(4, OUT)], full),
  ];
}

function orders(): readonly Draft[] {
  const full: Limits = { app: 100, validator: 100 };
  return [
    draft(
      'TOP-010',
      'order',
      'banned-and-protected',
      'banned, from a full subnet',
      { mark: 'banned', subnet: 'a' },
      many(2, { subnet: 'a' }),
    ),
    draft(
      'TOP-011',
      'order',
      'subnet-and-inbound',
      'full subnet, and no room for inbound sessions',
      { subnet: 'a', ...KNOWN },
      many(6, { subnet: 'a' }),
      full,
    ),
    draft('TOP-012', 'order', 'inbound-and-role', 'no room for inbound sessions, and none for the role', {}, many(6)),
    draft('TOP-013', 'order', 'role-and-all', 'no room for the role, and none at all', OUT, [...many(4), ...many(4, OUT)]),
    draft(
      'TOP-014',
      'order',
      'all-and-region',
      'no room at all, and the region is full',
      { ...OUT, region: 'oc' },
      [...many(4, { region: 'oc' }), ...many(4, { ...OUT, role: 'validator' })],
      { ...full, own: 'eu' },
    ),
  ];
}

/** Every case of `topology/admit.json`. */
export function admissionDrafts(): readonly Draft[] {
  return [...refusals(), ...regionCases(), ...rooms(), ...orders()];
}
