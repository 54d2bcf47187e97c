/**
 * The node: one machine made of one per chapter. What a machine gives goes where the tables below
 * say, first in, first out; nothing in this file knows the protocol.
 *
 * None of the machines has durable state: chapters 02 to 05 ask for none, so a node that starts
 * again is a new node with the same identity. It needs another `seed` then (SES-004).
 */
import type { Address } from '../../proto/gen/carillon/v1/common_pb.ts';
import { copyBytes } from './bytes.ts';
import type { CryptoProvider } from './crypto/provider.ts';
import { invariant } from './errors.ts';
import { createGossip, type GossipInput, type GossipOutput } from './gossip/machine.ts';
import type { NodeEffect, NodeInput, NodeMachine } from './machine.ts';
import type { Params } from './params.ts';
import { createRng, type Rng } from './rng.ts';
import type { MinorRange } from './session/capabilities.ts';
import { createSessions } from './session/machine.ts';
import type { SessionInput, SessionOptions, SessionOutput } from './session/state.ts';
import type { MonoMs, Now, PeerId } from './types.ts';
import { KEY_TYPE_ED25519 } from './wire/envelope.ts';
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
  /** Local events worked off for one input, at least 1; 65,536 if absent. What is left over waits for the next `tick`, which is due at once. */
  readonly localEventsMax?: number;
}

/**
 * A node. It takes over the arrays of its inputs: the runtime does not write to them afterwards.
 * Connections and dials that it does not know, and those that it has ended, are no news to it.
 */
export interface Node extends NodeMachine {
  readonly peerId: PeerId;
  /** A state view as plain data, or undefined for a name that is not `peers`, `sessions` or `gossip`. */
  view(name: string): unknown;
}

/** The machines, by the names that the tables use. */
interface MachineInputs {
  readonly sessions: SessionInput;
  readonly gossip: GossipInput;
}
type MachineName = keyof MachineInputs;

/** The machines that take an input of this type. */
type TakenBy<T> = { [Name in MachineName]: T extends MachineInputs[Name]['type'] ? Name : never }[MachineName];
type InputRoutes = { readonly [T in NodeInput['type']]: readonly TakenBy<T>[] };
type OutputRoutes<Output extends { readonly type: string }> = {
  readonly [T in Output['type']]: T extends NodeEffect['type'] ? 'effect' : TakenBy<T>;
};

const INPUTS: InputRoutes = {
  linkOpened: ['sessions'],
  linkEstablished: ['sessions'],
  message: ['sessions'],
  plaintext: ['sessions'],
  linkClosed: ['sessions'],
  dialFailed: ['sessions'],
  publish: ['gossip'],
  validated: ['gossip'],
  connect: ['sessions'],
  shutdown: ['sessions'],
  tick: ['sessions', 'gossip'],
};

const FROM_SESSIONS: OutputRoutes<SessionOutput> = {
  dial: 'effect',
  close: 'effect',
  message: 'effect',
  plaintext: 'effect',
  established: 'effect',
  sessionEnded: 'effect',
  deliver: 'effect',
  validate: 'effect',
  verdict: 'effect',
  publishRefused: 'effect',
  violation: 'effect',
  sessionUp: 'gossip',
  sessionDown: 'gossip',
  frame: 'gossip',
  overrun: 'gossip',
};

const FROM_GOSSIP: OutputRoutes<GossipOutput> = {
  sendFrame: 'sessions',
  closeSession: 'sessions',
  deliver: 'effect',
  validate: 'effect',
  verdict: 'effect',
  publishRefused: 'effect',
  violation: 'effect',
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

/** Makes a node without connections. Throws when a seed or the network id has the wrong size, or a listen address the wrong form. */
export function createNode(options: NodeOptions): Node {
  const { params, crypto, stakes, localEventsMax = LOCAL_EVENTS_MAX } = options;
  invariant(localEventsMax >= 1, 'an input is worked off by at least one event at a time');
  invariant(options.identitySeed.length === 32, 'an identity seed has 32 bytes');
  const idBytes = options.networkId.length;
  invariant(idBytes >= 1 && idBytes <= params['identity.network_id_bytes_max'], 'a network id has 1 to 32 bytes');
  const peerId = derivePeerId(crypto, KEY_TYPE_ED25519, crypto.ed25519PublicKey(options.identitySeed));

  const rng = createRng(options.seed);
  const shared = sessionOptionsOf(options, peerId, rng);
  const sessions = createSessions(shared);
  const gossip = createGossip({
    params,
    crypto,
    rng: rng.fork('gossip'),
    networkId: shared.networkId,
    identitySeed: shared.identitySeed,
    self: peerId,
    stakeOf: (peer) => stakes.get(peer) ?? 0n,
    applicationValidation: options.applicationValidation ?? false,
  });

  const queue: Local[] = [];
  let effects: NodeEffect[] = [];
  /** When the last input came, if it left work undone. */
  let unfinishedMs: MonoMs | undefined;

  /** Sends each output where the table says; the table's type vouches for the two casts. */
  function route<Output extends { readonly type: string }>(outputs: readonly Output[], routes: OutputRoutes<Output>): void {
    for (const output of outputs) {
      const to: 'effect' | MachineName = routes[output.type as Output['type']];
      if (to === 'effect') effects.push(output as unknown as NodeEffect);
      else queue.push({ to, input: output } as unknown as Local);
    }
  }

  function deliver(local: Local, now: Now): void {
    if (local.to === 'sessions') route(sessions.handle(local.input, now), FROM_SESSIONS);
    else route(gossip.handle(local.input, now), FROM_GOSSIP);
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
      route(outputs, FROM_SESSIONS);
      steps += 1;
    }
    return false;
  }

  function handle(input: NodeInput, now: Now): readonly NodeEffect[] {
    // A tick that comes to go on with what was left adds nothing of its own: the timers' turn is when that is done.
    if (input.type !== 'tick' || unfinishedMs === undefined) {
      for (const to of INPUTS[input.type]) queue.push({ to, input } as Local);
    }
    effects = [];
    unfinishedMs = settle(now) ? undefined : now.monoMs;
    return effects;
  }

  function deadline(): MonoMs | undefined {
    if (unfinishedMs !== undefined) return unfinishedMs;
    const ofSessions = sessions.deadline();
    const ofGossip = gossip.deadline();
    if (ofSessions === undefined || ofGossip === undefined) return ofSessions ?? ofGossip;
    return Math.min(ofSessions, ofGossip);
  }

  function view(name: string): unknown {
    switch (name) {
      case 'peers':
        return sessions.peers().map((row) => ({ ...row, score: gossip.scoreOf(row.peer) }));
      case 'sessions':
        return sessions.view();
      case 'gossip':
        return gossip.view();
      default:
        return undefined;
    }
  }

  return { peerId, handle, deadline, view };
}
