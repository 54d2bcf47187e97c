/** The books of a node's connections: which link is which, what is sent and received on it, and whose session it carries. */
import type { NodeEffect, NodeInput } from '../core/machine.ts';
import type { ErrorName, LinkId, PeerId } from '../core/types.ts';
import { formatPeerId } from '../core/wire/peer-id.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { Redial } from './redial.ts';
import type { CloseReason, Connection, ConnectionEvents, ListenEvents, Transport } from './transport/transport.ts';

/** What the books need. */
export interface LinksOptions {
  readonly transport: Transport;
  readonly metrics: Metrics;
  readonly log: Log;
  /** Hands an input to the core; false when it takes none. */
  readonly submit: (input: NodeInput) => boolean;
  /** Keeps the sessions with configured peers; asked for when something is to be told. */
  readonly redial: () => Redial;
}

interface Link {
  readonly connection: Connection;
  readonly direction: 'inbound' | 'outbound';
  /** The address that was dialled, for outbound links. */
  readonly dialled: string | undefined;
}

/** The session of a link; it outlives the link's entry by the moment between close and end. */
interface OpenSession {
  readonly peer: PeerId;
  readonly dialled: string | undefined;
}

/** All connections of a node. */
export class Links {
  readonly #options: LinksOptions;
  readonly #links = new Map<LinkId, Link>();
  readonly #sessions = new Map<LinkId, OpenSession>();
  #nextLink = 1;

  constructor(options: LinksOptions) {
    this.#options = options;
  }

  /** Connections, with and without a session. */
  get size(): number {
    return this.#links.size;
  }

  /** PeerIds of the open sessions. */
  get peers(): readonly PeerId[] {
    return [...this.#sessions.values()].map((session) => session.peer);
  }

  /** What a listener tells these books. */
  get doors(): ListenEvents {
    const { submit, metrics, log } = this.#options;
    return {
      onInbound: (connection) => {
        const { link, events } = this.#adopt(connection, 'inbound', undefined);
        submit({ type: 'linkOpened', link, direction: 'inbound', address: connection.remoteAddress });
        return events;
      },
      onRefused: ({ code, remoteAddress }) => {
        metrics.add('refused', [code]);
        log.debug({ code, remoteAddress }, 'connection refused');
      },
    };
  }

  /** Dials for the core; `dial` answers it. */
  dial(dial: number, address: string): void {
    const { transport, submit, metrics, log, redial } = this.#options;
    transport.dial(address, {
      onFailed: (reason) => {
        metrics.add('dials', ['failed']);
        log.info({ address, reason }, 'dial failed');
        submit({ type: 'dialFailed', dial });
        redial().lost(address, undefined);
      },
      onOpened: (connection) => {
        metrics.add('dials', ['opened']);
        const { link, events } = this.#adopt(connection, 'outbound', address);
        submit({ type: 'linkOpened', link, direction: 'outbound', address: connection.remoteAddress, dial });
        return events;
      },
    });
  }

  send(link: LinkId, data: Uint8Array): void {
    const known = this.#links.get(link);
    if (known === undefined || !known.connection.send(data)) return;
    this.#options.metrics.add('messagesOut');
    this.#options.metrics.add('bytesOut', [], data.length);
  }

  close(link: LinkId, code: ErrorName | undefined): void {
    const known = this.#links.get(link);
    if (known === undefined) return;
    this.#links.delete(link);
    known.connection.close();
    this.#options.log.debug({ link, code }, 'connection closed');
    if (known.dialled !== undefined && !this.#sessions.has(link)) this.#options.redial().lost(known.dialled, code);
  }

  /** Notes a session; returns who dialled, or undefined when the connection is gone already. */
  established({ link, peer }: Extract<NodeEffect, { readonly type: 'established' }>): Link['direction'] | undefined {
    const known = this.#links.get(link);
    if (known === undefined) return undefined;
    const { connection, direction, dialled } = known;
    connection.confirm();
    this.#sessions.set(link, { peer, dialled });
    this.#options.metrics.add('established', [direction]);
    this.#options.log.info({ peer: formatPeerId(peer), direction, address: connection.remoteAddress }, 'session open');
    if (dialled !== undefined) this.#options.redial().opened(dialled, peer);
    return direction;
  }

  /** Notes the end of a session. */
  ended({ link, peer, code }: Extract<NodeEffect, { readonly type: 'sessionEnded' }>): void {
    const { metrics, log, redial } = this.#options;
    const dialled = this.#sessions.get(link)?.dialled;
    this.#sessions.delete(link);
    metrics.add('ended', [code ?? 'none']);
    log.info({ peer: formatPeerId(peer), code }, 'session ended');
    if (dialled !== undefined) redial().lost(dialled, code);
    redial().sessionEnded(peer);
  }

  /** Forgets all links; the transport lets go of the connections. */
  clear(): void {
    this.#links.clear();
  }

  /** Takes a connection into the books; its first input follows from the caller. */
  #adopt(
    connection: Connection,
    direction: Link['direction'],
    dialled: string | undefined,
  ): { readonly link: LinkId; readonly events: ConnectionEvents } {
    const { submit, metrics } = this.#options;
    const link = this.#nextLink as LinkId;
    this.#nextLink += 1;
    this.#links.set(link, { connection, direction, dialled });
    const events: ConnectionEvents = {
      onMessage: (data, text) => {
        metrics.add('messagesIn');
        metrics.add('bytesIn', [], data.length);
        if (submit({ type: 'message', link, data, text })) return;
        connection.close();
        this.#forget(link, 'backpressure');
      },
      onClosed: (reason) => this.#forget(link, reason),
    };
    return { link, events };
  }

  /** The connection ended without the core's doing. */
  #forget(link: LinkId, reason: CloseReason): void {
    const known = this.#links.get(link);
    if (known === undefined) return;
    const { submit, metrics, log, redial } = this.#options;
    this.#links.delete(link);
    if (reason !== 'gone') metrics.add('cut', [reason]);
    log.debug({ link, reason }, 'connection ended');
    if (known.dialled !== undefined && !this.#sessions.has(link)) redial().lost(known.dialled, undefined);
    submit({ type: 'linkClosed', link });
  }
}
