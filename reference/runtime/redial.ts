/** Keeps sessions with configured peers: dials again after a pause that doubles, with jitter, up to a bound. */
import type { ErrorName, PeerId } from '../core/types.ts';
import type { ConfiguredPeer } from './config.ts';
import { REDIAL_MS_MAX, REDIAL_MS_MIN, STABLE_SESSION_MS } from './limits.ts';

/** What a keeper needs. */
export interface RedialOptions {
  readonly peers: readonly ConfiguredPeer[];
  /** Asks the node for a session. */
  readonly connect: (peer: ConfiguredPeer) => void;
  readonly isConnected: (peer: PeerId) => boolean;
  /** Milliseconds of a monotonic clock. */
  readonly nowMs: () => number;
  /** A number from 0 up to 1, for the jitter. */
  readonly chance: () => number;
}

/** Watches the dials and sessions of configured peers. */
export interface Redial {
  /** Asks for a session with every peer. */
  start(): void;
  /** A session that was dialled at the address is open. */
  opened(address: string, peer: PeerId): void;
  /** The dial failed, or the connection that was dialled at the address is gone. */
  lost(address: string, code: ErrorName | undefined): void;
  /** Any session has ended, whoever dialled it. */
  sessionEnded(peer: PeerId): void;
  stop(): void;
}

interface Watched {
  readonly target: ConfiguredPeer;
  /** Who is there, as far as is known. */
  peer: PeerId | undefined;
  openedMs: number | undefined;
  pauseMs: number;
  timer: NodeJS.Timeout | undefined;
  /** Another connection carries the session with this peer; its end is waited for. */
  isServed: boolean;
}

/** A keeper that does nothing until it is started. */
export function createRedial(options: RedialOptions): Redial {
  const watched = new Map<string, Watched>();
  for (const target of options.peers) {
    watched.set(target.address, {
      target,
      peer: target.expected,
      openedMs: undefined,
      pauseMs: REDIAL_MS_MIN,
      timer: undefined,
      isServed: false,
    });
  }
  let isStopped = false;

  /** Half of the pause is certain, half is chance: nodes that lost the same peer do not come back together. */
  function schedule(entry: Watched): void {
    if (entry.timer !== undefined || isStopped) return;
    const waitMs = (entry.pauseMs / 2) * (1 + options.chance());
    entry.pauseMs = Math.min(2 * entry.pauseMs, REDIAL_MS_MAX);
    entry.timer = setTimeout(() => {
      entry.timer = undefined;
      entry.isServed = entry.peer !== undefined && options.isConnected(entry.peer);
      if (!entry.isServed) options.connect(entry.target);
    }, waitMs);
  }

  return {
    start: () => {
      for (const { target } of watched.values()) options.connect(target);
    },
    opened: (address, peer) => {
      const entry = watched.get(address);
      if (entry === undefined) return;
      entry.peer = peer;
      entry.openedMs = options.nowMs();
    },
    lost: (address, code) => {
      const entry = watched.get(address);
      if (entry === undefined) return;
      if (entry.openedMs !== undefined && options.nowMs() - entry.openedMs >= STABLE_SESSION_MS) entry.pauseMs = REDIAL_MS_MIN;
      entry.openedMs = undefined;
      // A dial here would make the two ends replace one session by another for ever.
      if (code === 'E_DUPLICATE_SESSION') entry.isServed = true;
      // Nobody else will be there next time.
      else if (code !== 'E_SELF') schedule(entry);
    },
    sessionEnded: (peer) => {
      for (const entry of watched.values()) {
        if (!entry.isServed || (entry.peer !== undefined && entry.peer !== peer)) continue;
        entry.isServed = false;
        schedule(entry);
      }
    },
    stop: () => {
      isStopped = true;
      for (const entry of watched.values()) clearTimeout(entry.timer);
    },
  };
}
