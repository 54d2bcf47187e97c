/**
 * The node: one machine made of one per chapter. What a machine gives goes where the tables below
 * say, first in, first out; nothing in this file knows the protocol.
 *
 * None of the machines has durable state, so a node that starts again is a new node with the same
 * identity. It needs another `seed` then (SES-004).
 */
import type { Address } from '../../proto/gen/carillon/v1/common_pb.ts';
import { copyBytes } from './bytes.ts';
import type { CryptoProvider } from './crypto/provider.ts';
import { createDatagrams, type DatagramInput, type DatagramOutput } from './datagram/machine.ts';
import { createDht, type DhtInput, type DhtOutput } from './dht/machine.ts';
import { invariant } from './errors.ts';
import { createGossip, type GossipInput, type GossipMachine, type GossipOutput } from './gossip/machine.ts';
import type { Machine, NodeEffect, NodeInput, NodeMachine } from './machine.ts';
import type { LedgerPort } from './mempool/contract.ts';
import { createMempool, type MempoolInput, type MempoolOutput } from './mempool/machine.ts';
import { createOverlay, type OverlayInput, type OverlayOutput } from './overlay/machine.ts';
import type { Params } from './params.ts';
import type { ReconcilableSet } from './reconciliation/contract.ts';
import { createReconciliation, type ReconciliationInput, type ReconciliationOutput } from './reconciliation/machine.ts';
import { createRecords, type RecordsInput, type RecordsOutput } from './records/machine.ts';
import { createRng, type Rng } from './rng.ts';
import { type MinorRange, offeredCapabilities } from './session/capabilities.ts';
import { createSessions } from './session/machine.ts';
import type { SessionInput, SessionOptions, SessionOutput } from './session/state.ts';
import { createTopology, type TopologyInput, type TopologyOutput } from './topology/machine.ts';
import { type MonoMs, type Now, type PeerId, soundNow } from './types.ts';
import { KEY_TYPE_ED25519 } from './wire/envelope.ts';
import { type FrameOwner, ownerOf } from './wire/frame.ts';
import { derivePeerId } from './wire/peer-id.ts';

/** What a node is made of. */
export interface NodeOptions {
  readonly params: Params;
  readonly crypto: CryptoProvider;
  /** Decides every choice and every ephemeral key of the node; 32 bytes from the system in production, and other ones after each start. */
  readonly seed: Uint8Array;
  /** 32 bytes: the Ed25519 secret seed of the node's identity. */
  readonly identitySeed: Uint8Array;
  /** 1 to `identity.network_id_bytes_max` bytes. */
  readonly networkId: Uint8Array;
  /** Stake by PeerId; empty in a network without stake. */
  readonly stakes: ReadonlyMap<PeerId, bigint>;
  /** Whether accepted messages wait for the application's verdict; false if absent. */
  readonly applicationValidation?: boolean;
  /** Minor protocol versions to offer; those of this revision if absent. */
  readonly minorRange?: MinorRange;
  /** Role bits of the hello; 1 (app) if absent. */
  readonly roles?: number;
  readonly listenAddresses?: readonly Address[];
  /** Addresses of the first nodes: `ws://…`, `udp://…`, or `dns:NAME` for a list in TXT records. None if absent. */
  readonly bootstrap?: readonly string[];
  /** Peers that are never pruned or evicted. None if absent. */
  readonly protectedPeers?: ReadonlySet<PeerId>;
  /** What the mempool asks of the ledger; without it every account is new and rich, and no leader is known. */
  readonly ledger?: LedgerPort;
  /** Local events worked off for one input, at least 1; 65,536 if absent. What is left over waits for the next `tick`, which is due at once. */
  readonly localEventsMax?: number;
}

/**
 * A node. It takes over the arrays of its inputs: the runtime does not write to them afterwards.
 * Connections and dials that it does not know, and those that it has ended, are no news to it.
 */
export interface Node extends NodeMachine {
  readonly peerId: PeerId;
  /** A state view as plain data, or undefined for a name that is none of `VIEWS`. */
  view(name: string): unknown;
}

/** The state views of a node. */
export const VIEWS = [
  'peers',
  'sessions',
  'gossip',
  'datagrams',
  'records',
  'reconciliation',
  'dht',
  'overlay',
  'topology',
  'mempool',
] as const;

/** The machines, by the names that the tables use. */
interface MachineInputs {
  readonly sessions: SessionInput;
  readonly datagrams: DatagramInput;
  readonly gossip: GossipInput;
  readonly records: RecordsInput;
  readonly reconciliation: ReconciliationInput;
  readonly dht: DhtInput;
  readonly overlay: OverlayInput;
  readonly topology: TopologyInput;
  readonly mempool: MempoolInput;
}
type MachineName = keyof MachineInputs;

/** What the machines give, by the same names. */
interface MachineOutputs {
  readonly sessions: SessionOutput;
  readonly datagrams: DatagramOutput;
  readonly gossip: GossipOutput;
  readonly records: RecordsOutput;
  readonly reconciliation: ReconciliationOutput;
  readonly dht: DhtOutput;
  readonly overlay: OverlayOutput;
  readonly topology: TopologyOutput;
  readonly mempool: MempoolOutput;
}

type AnyInput = NodeInput | MachineInputs[MachineName];
type AnyOutput = MachineOutputs[MachineName];

/** The machines that take an input of this type. */
type TakenBy<T> = { [Name in MachineName]: T extends MachineInputs[Name]['type'] ? Name : never }[MachineName];

/** Picks a machine by what is in the input. */
type Choice<T> = (input: Extract<AnyInput | AnyOutput, { readonly type: T }>) => MachineName | undefined;

type InputRoutes = { readonly [T in NodeInput['type']]: readonly TakenBy<T>[] | Choice<T> };
/** Outputs that are inputs of other machines; everything else is an effect. */
type LocalRoutes = {
  readonly [T in Exclude<AnyOutput['type'], NodeEffect['type']>]: readonly TakenBy<T>[] | Choice<T>;
};

const byKind = (input: { readonly kind: number }): FrameOwner | undefined => ownerOf(input.kind);

/** Who keeps a set of chapter 07; `evidence` and `votes` come with later chapters. */
const SET_OWNERS = { records: 'records', transactions: 'mempool', evidence: undefined, votes: undefined } as const;

const INPUTS: InputRoutes = {
  linkOpened: ['sessions'],
  linkEstablished: ['sessions'],
  message: ['sessions'],
  plaintext: ['sessions'],
  linkClosed: ['sessions'],
  dialFailed: ['sessions'],
  publish: ['gossip'],
  validated: ['gossip'],
  connect: ['topology', 'sessions'],
  datagram: ['datagrams'],
  local: ({ request }) => request.type.slice(0, request.type.indexOf('.')) as MachineName,
  resolved: ['dht'],
  shutdown: ['sessions'],
  tick: ['sessions', 'datagrams', 'gossip', 'records', 'reconciliation', 'dht', 'overlay', 'topology', 'mempool'],
};

const LOCAL: LocalRoutes = {
  sessionUp: ['topology', 'gossip', 'records', 'reconciliation', 'dht', 'overlay'],
  sessionDown: ['topology', 'gossip', 'records', 'reconciliation', 'dht', 'overlay'],
  frame: byKind,
  answered: byKind,
  unanswered: byKind,
  datagramAsked: byKind,
  answeredByDatagram: byKind,
  rtt: ['topology', 'overlay'],
  dialEnded: ['topology', 'dht', 'overlay'],
  overrun: ['gossip'],
  sendFrame: ['sessions'],
  ask: ['sessions'],
  answer: ['sessions'],
  closeSession: ['sessions'],
  connect: ['sessions'],
  askByDatagram: ['datagrams'],
  answerByDatagram: ['datagrams'],
  publish: ['gossip'],
  candidate: ['topology'],
  misbehaved: ['topology'],
  envelopeRejected: ['gossip'],
  placeChanged: ['records'],
  wantPeers: ['dht'],
  wantContact: ['dht'],
  contactFound: ['overlay', 'topology'],
  reconciled: ({ set }) => SET_OWNERS[set],
  judgeTransaction: ['mempool'],
  transactionJudged: ['gossip'],
  transactionsArrived: ['gossip'],
  spreadTransaction: ['gossip'],
  forwardTransactions: ['gossip'],
};

/** One entry of the queue: an input and the machine that takes it. */
type Local = { readonly [Name in MachineName]: { readonly to: Name; readonly input: MachineInputs[Name] } }[MachineName];

/**
 * The largest plaintext holds about 21,800 of the shortest frames, so this lets every honest input
 * run to its end and still keeps one call short.
 */
const LOCAL_EVENTS_MAX = 65_536;

const SETTLED: SessionInput = { type: 'settled' };

function sessionOptionsOf(options: NodeOptions, self: PeerId, rng: Rng): SessionOptions {
  const { params, crypto, minorRange, roles, listenAddresses } = options;
  return {
    params,
    crypto,
    rng: rng.fork('session'),
    networkId: copyBytes(options.networkId),
    identitySeed: copyBytes(options.identitySeed),
    self,
    ...(minorRange === undefined ? {} : { minorRange }),
    ...(roles === undefined ? {} : { roles }),
    ...(listenAddresses === undefined ? {} : { listenAddresses }),
  };
}

const NO_PEERS: ReadonlySet<PeerId> = new Set();

/** Numbers of the contact record's `OverlayRole` by the names of chapter 09. */
const OVERLAY_ROLES = { none: 0, leaf: 1, candidate: 2, supernode: 3 } as const;

/** A ledger for nodes without one: no slots pass, every account is new and rich, nobody leads. */
const NO_LEDGER: LedgerPort = {
  slotAt: () => 0n,
  slotStartMs: () => undefined,
  accountOf: () => ({ nonce: 0n, balance: 2n ** 64n - 1n }),
  leaderOf: () => undefined,
};

/** The sets of the chapters that are on. Spec: chapter 07, "Sets" */
function keptSets(params: Params, records: ReconcilableSet, transactions: ReconcilableSet): readonly ReconcilableSet[] {
  return [...(params['records.mode'] === 'on' ? [records] : []), ...(params['mempool.mode'] === 'on' ? [transactions] : [])];
}

/** Makes a node without connections. Throws when a seed or the network id has the wrong size, or a listen address the wrong form. */
export function createNode(options: NodeOptions): Node {
  const { params, crypto, stakes, localEventsMax = LOCAL_EVENTS_MAX } = options;
  invariant(localEventsMax >= 1, 'an input is worked off by at least one event at a time');
  invariant(options.identitySeed.length === 32, 'an identity seed has 32 bytes');
  const idBytes = options.networkId.length;
  invariant(idBytes >= 1 && idBytes <= params['identity.network_id_bytes_max'], 'a network id has 1 to 32 bytes');
  const publicKey = crypto.ed25519PublicKey(options.identitySeed);
  const peerId = derivePeerId(crypto, KEY_TYPE_ED25519, publicKey);

  const rng = createRng(options.seed);
  const { roles = 1, listenAddresses = [], bootstrap = [], ledger = NO_LEDGER } = options;
  const shared = sessionOptionsOf(options, peerId, rng);
  const { networkId, identitySeed } = shared;
  const common = (label: string) => ({ params, crypto, rng: rng.fork(label), networkId, identitySeed, self: peerId });
  const stakeOf = (peer: PeerId): bigint => stakes.get(peer) ?? 0n;

  const sessions = createSessions(shared);
  const { sessionOf } = sessions;
  const datagrams = createDatagrams({ ...common('datagram'), publicKey });
  const records = createRecords({
    ...common('records'),
    stakeOf,
    roles,
    listenAddresses,
    capabilities: offeredCapabilities(params),
    ...(params['topology.region'] === 'unknown' ? {} : { region: params['topology.region'] }),
    overlayPlace: () => {
      const { role, via } = overlay.place();
      return { role: OVERLAY_ROLES[role], via };
    },
  });
  const dht = createDht({ ...common('dht'), sessionOf, bootstrap, listenAddresses });
  const networkSize = (): number => dht.networkSize();
  const overlay = createOverlay({
    ...common('overlay'),
    networkSize,
    contactOf: (peer) => records.contactOf(peer),
    serviceOf: (link) => gossip.serviceOf(link),
    isPruned: (link) => gossip.isPruned(link),
    ownService: () => gossip.ownService(),
  });
  const gossip: GossipMachine = createGossip({
    ...common('gossip'),
    eagerLinks: overlay.eagerLinks,
    networkSize,
    stakeOf,
    applicationValidation: options.applicationValidation ?? false,
    comingLeaders: (wallMs) => mempool.comingLeaders(wallMs),
  });
  const mempool = createMempool({ ...common('mempool'), ledger, sessionOf });
  const reconciliation = createReconciliation({ ...common('reconciliation'), sets: keptSets(params, records.set, mempool.set) });
  const topology = createTopology({
    ...common('topology'),
    stakeOf,
    scoreOf: (peer) => gossip.scoreOf(peer),
    claimedRegionOf: (peer) => records.contactOf(peer)?.region ?? '',
    usedMsOf: sessions.usedMsOf,
    restUntilMs: sessions.restUntilMs,
    consensusPeers: () => NO_PEERS,
    protectedPeers: options.protectedPeers ?? NO_PEERS,
    roles,
  });
  const machines: { readonly [Name in MachineName]: Machine<MachineInputs[Name], MachineOutputs[Name]> } = {
    sessions,
    datagrams,
    gossip,
    records,
    reconciliation,
    dht,
    overlay,
    topology,
    mempool,
  };

  const queue: Local[] = [];
  let effects: NodeEffect[] = [];
  /** When the last input came, if it left work undone. */
  let unfinishedMs: MonoMs | undefined;

  /** Puts an input in the queue of whoever takes it; the types of the tables vouch for the casts. */
  function enqueue(input: AnyInput, routes: readonly MachineName[] | ((input: never) => MachineName | undefined)): void {
    if (typeof routes !== 'function') {
      for (const to of routes) queue.push({ to, input } as Local);
      return;
    }
    const to = routes(input as never);
    if (to !== undefined) queue.push({ to, input } as Local);
  }

  /** Sends each output where the table says: to other machines, or out. */
  function route(outputs: readonly AnyOutput[]): void {
    for (const output of outputs) {
      const routes = LOCAL[output.type as keyof LocalRoutes];
      if (routes === undefined) effects.push(output as NodeEffect);
      else enqueue(output as AnyInput, routes);
    }
  }

  function deliver({ to, input }: Local, now: Now): void {
    const machine = machines[to] as Machine<Local['input'], AnyOutput>;
    // A timer of one chapter is no news to the others.
    if (input.type === 'tick' && !isDue(machine.deadline(), now)) return;
    route(machine.handle(input, now));
  }

  /** Works the queue off, then lets the sessions go on, until neither has anything left; false when there was too much. */
  function settle(now: Now): boolean {
    for (let steps = 0; steps < localEventsMax; ) {
      const batch = queue.splice(0, localEventsMax - steps);
      for (const local of batch) deliver(local, now);
      steps += batch.length;
      if (queue.length > 0) continue;
      const outputs = sessions.handle(SETTLED, now);
      if (outputs.length === 0) return true;
      route(outputs);
      steps += 1;
    }
    return false;
  }

  function handle(input: NodeInput, clocks: Now): readonly NodeEffect[] {
    const now = soundNow(clocks);
    // A tick that comes to go on with what was left adds nothing of its own: the timers' turn is when that is done.
    if (input.type !== 'tick' || unfinishedMs === undefined) enqueue(input, INPUTS[input.type]);
    effects = [];
    unfinishedMs = settle(now) ? undefined : now.monoMs;
    return effects;
  }

  function deadline(): MonoMs | undefined {
    if (unfinishedMs !== undefined) return unfinishedMs;
    let next: MonoMs | undefined;
    for (const machine of Object.values(machines)) {
      const due = machine.deadline();
      if (due !== undefined && (next === undefined || due < next)) next = due;
    }
    return next;
  }

  function view(name: string): unknown {
    switch (name as (typeof VIEWS)[number]) {
      case 'peers':
        return sessions.peers().map((row) => ({ ...row, score: gossip.scoreOf(row.peer) }));
      case 'sessions':
        return sessions.view();
      case 'gossip':
        return gossip.view();
      case 'datagrams':
        return datagrams.view();
      case 'records':
        return records.view();
      case 'reconciliation':
        return reconciliation.view();
      case 'dht':
        return dht.view();
      case 'overlay':
        return overlay.view();
      case 'topology':
        return topology.view();
      case 'mempool':
        return mempool.view();
      default:
        return undefined;
    }
  }

  return { peerId, handle, deadline, view };
}

function isDue(deadlineMs: MonoMs | undefined, now: Now): boolean {
  return deadlineMs !== undefined && deadlineMs <= now.monoMs;
}
