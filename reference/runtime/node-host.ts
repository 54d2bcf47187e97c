/**
 * A running node: the core in its loop, on a transport, with its log, its numbers and its window.
 * Everything that the node decides, the core decides; what stands here carries it out.
 */
import { randomBytes } from 'node:crypto';
import type { CryptoProvider } from '../core/crypto/provider.ts';
import type { LocalNotice, LocalRequest, NodeEffect, NodeInput } from '../core/machine.ts';
import { createNode } from '../core/node.ts';
import type { Endpoint, ErrorName, MessageId, PeerId, Verdict } from '../core/types.ts';
import { formatPeerId } from '../core/wire/peer-id.ts';
import { boundAddresses } from './addresses.ts';
import { type Application, createApplication } from './application.ts';
import { type Clock, createSystemClock } from './clock.ts';
import type { NodeConfig } from './config.ts';
import { nativeCrypto } from './crypto-native.ts';
import { countNotice, readGauges } from './gauges.ts';
import { type HttpWindow, openHttp } from './http.ts';
import { readKeyFile } from './keys.ts';
import { QUEUED_BEFORE_DATAGRAM_MAX, QUEUED_INPUTS_MAX } from './limits.ts';
import { Links } from './links.ts';
import { createLog, type Log } from './log.ts';
import { type Loop, startLoop } from './loop.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { knownPeers, type PeerSources, peerRows, standingOf } from './peer-table.ts';
import { messageOf } from './problem.ts';
import { createRedial } from './redial.ts';
import { createRequests, type OutcomeOf } from './requests.ts';
import { createTextResolver, type LookUpTexts } from './resolver.ts';
import type { DatagramPort, Listener, Transport } from './transport/transport.ts';
import { createWebSocketTransport } from './transport/ws.ts';
import { SPEC_VERSION, VERSION } from './version.ts';

/** A message as the application gets it. */
export interface DeliveredMessage {
  readonly topic: string;
  readonly id: MessageId;
  readonly origin: PeerId;
  readonly data: Uint8Array;
}

/** What a running node tells its application. */
export type NodeEvent =
  | ({ readonly type: 'deliver' } & DeliveredMessage)
  | {
      readonly type: 'established';
      readonly peer: PeerId;
      readonly capabilities: readonly string[];
      readonly direction: 'inbound' | 'outbound';
    }
  | { readonly type: 'sessionEnded'; readonly peer: PeerId; readonly code: ErrorName | undefined }
  | { readonly type: 'violation'; readonly peer: PeerId | undefined; readonly code: ErrorName; readonly clause: string }
  | { readonly type: 'notice'; readonly notice: LocalNotice };

/** What may be put in place of the system's own; all of it optional. */
export interface NodeEnvironment {
  /** 32 bytes: the identity, instead of the key file. */
  readonly identitySeed?: Uint8Array;
  /** 32 bytes that decide the node's choices, instead of fresh ones. Never give the same twice to one identity. */
  readonly seed?: Uint8Array;
  readonly crypto?: CryptoProvider;
  readonly clock?: Clock;
  readonly log?: Log;
  /** Instead of WebSockets and UDP. */
  readonly transport?: Transport;
  /** Instead of the system's resolver. */
  readonly lookUpTexts?: LookUpTexts;
  /** Decides on each message before it is delivered and passed on (GSP-026). What throws counts as `ignore`. */
  readonly validate?: (message: DeliveredMessage) => Verdict | Promise<Verdict>;
}

/** A node that runs until it is stopped. */
export interface RunningNode extends Application {
  readonly peerId: PeerId;
  /** `crl1…` */
  readonly peerIdText: string;
  /** Where it listens, for example `ws://127.0.0.1:7600`; undefined when it only dials. */
  readonly url: string | undefined;
  readonly httpUrl: string | undefined;
  /** Where it takes datagrams; undefined when it takes none. */
  readonly datagramEndpoint: Endpoint | undefined;
  readonly metrics: Metrics;
  /** Publishes on a topic `app/<name>`. Rejects when no node would take the message, or this one has stopped. */
  publish(topic: string, data: Uint8Array): Promise<void>;
  /**
   * Asks something of a chapter's machine, for example `{ type: 'dht.lookup', target }`, and resolves with
   * what became of it. Rejects when too many requests wait or the node has stopped.
   */
  request<R extends LocalRequest>(request: R): Promise<OutcomeOf<R>>;
  /** Asks for one session; what comes of it is told by events. Configured peers are dialled without it. */
  connect(address: string, expected?: PeerId): void;
  /** Calls the listener for each event of a type until the returned function is called. What a listener throws is an uncaught exception. */
  on<T extends NodeEvent['type']>(type: T, listener: (event: Extract<NodeEvent, { readonly type: T }>) => void): () => void;
  /** A state view of the core by a name of `VIEWS`; undefined for other names. */
  view(name: string): unknown;
  /** PeerIds of the open sessions. */
  peers(): readonly PeerId[];
  /** Everybody that the node has heard of and can find: by session, record or routing table. */
  knownPeers(): Promise<ReadonlySet<PeerId>>;
  /** Says goodbye to all peers and lets go of everything. Safe to call twice. */
  stop(): Promise<void>;
  /** Settles when the node has stopped: with undefined after `stop`, else with the error that ended it. */
  readonly ended: Promise<unknown>;
}

/**
 * Starts a node and resolves when it listens. Rejects with a `Problem` when the key file, an address
 * or a port cannot be used.
 */
export async function startNode(config: NodeConfig, environment: NodeEnvironment = {}): Promise<RunningNode> {
  const { params } = config;
  const log = environment.log ?? createLog(config.logLevel);
  const clock = environment.clock ?? createSystemClock();
  const identitySeed = environment.identitySeed ?? (config.keyFile === undefined ? randomBytes(32) : readKeyFile(config.keyFile));
  const transport =
    environment.transport ??
    createWebSocketTransport({
      messageBytesMax: params['wire.noise_message_bytes_max'],
      handshakeTimeoutMs: params['session.handshake_timeout_ms'],
      halfOpenMax: params['session.half_open_max'],
      halfOpenPerAddressMax: params['session.half_open_per_address_max'],
      sessionsMax: params['session.sessions_max'],
    });

  const metrics = createMetrics();
  const listeners = new Map<NodeEvent['type'], Set<(event: NodeEvent) => void>>();
  const ending = Promise.withResolvers<unknown>();
  let stopping: Promise<void> | undefined;
  let listener: Listener | undefined;
  let datagrams: DatagramPort | undefined;
  let http: HttpWindow | undefined;
  let loop: Loop | undefined;
  /** What comes before the core is there, which is made when the ports are known. */
  let early: NodeInput[] = [];

  const requests = createRequests((token, request) => submit({ type: 'local', token, request }));
  const application = createApplication((request) => requests.ask(request));
  const resolver = createTextResolver({
    ...(environment.lookUpTexts === undefined ? {} : { lookUp: environment.lookUpTexts }),
    onResolved: (name, texts, resolution) => {
      metrics.add('resolutions', [resolution]);
      log.info({ name, texts: texts.length, resolution }, 'DNS name looked up');
      submit({ type: 'resolved', name, texts });
    },
  });
  const redial = createRedial({
    peers: config.peers,
    connect: ({ address, expected }) => connect(address, expected),
    isConnected: (peer) => links.peers.includes(peer),
    nowMs: () => performance.now(),
    chance: Math.random,
  });

  const links = new Links({ transport, metrics, log, submit, redial: () => redial });

  function submit(input: NodeInput): boolean {
    if (loop === undefined && early.length < QUEUED_INPUTS_MAX) {
      early.push(input);
      return true;
    }
    const isTaken = loop?.submit(input) ?? false;
    if (!isTaken) metrics.add('inputsRefused');
    return isTaken;
  }

  /** A datagram is for nobody in particular: it waits behind no queue that sessions need. */
  function receiveDatagram(from: Endpoint, data: Uint8Array): void {
    metrics.add('datagramsIn');
    metrics.add('datagramBytesIn', [], data.length);
    const waiting = loop?.queued() ?? early.length;
    if (waiting >= QUEUED_BEFORE_DATAGRAM_MAX || !submit({ type: 'datagram', from, data })) metrics.add('datagramsDropped', ['input']);
  }

  function sendDatagram(to: Endpoint, data: Uint8Array): void {
    const fault = datagrams === undefined ? 'unreachable' : datagrams.send(to, data);
    if (fault !== undefined) {
      metrics.add('datagramsDropped', [fault]);
      return;
    }
    metrics.add('datagramsOut');
    metrics.add('datagramBytesOut', [], data.length);
  }

  function connect(address: string, expected?: PeerId): void {
    submit({ type: 'connect', address, ...(expected === undefined ? {} : { expected }) });
  }

  function emit(event: NodeEvent): void {
    for (const notify of listeners.get(event.type) ?? []) {
      try {
        notify(event);
      } catch (error) {
        // The application's error is not the node's: it surfaces on its own.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  function onEstablished(effect: Extract<NodeEffect, { readonly type: 'established' }>): void {
    const direction = links.established(effect);
    if (direction !== undefined) emit({ type: 'established', peer: effect.peer, capabilities: effect.capabilities, direction });
  }

  async function decide(effect: Extract<NodeEffect, { readonly type: 'validate' }>): Promise<void> {
    const { token, topic, id, origin, data } = effect;
    let verdict: Verdict = 'ignore';
    try {
      verdict = (await environment.validate?.({ topic, id, origin, data })) ?? 'ignore';
    } catch (error) {
      log.error({ error: messageOf(error) }, 'the validation of a message threw; the message is ignored');
    }
    submit({ type: 'validated', token, verdict });
  }

  function perform(effect: NodeEffect): void {
    switch (effect.type) {
      case 'dial':
        links.dial(effect.dial, effect.address);
        return;
      case 'close':
        links.close(effect.link, effect.code);
        return;
      case 'message':
        links.send(effect.link, effect.data);
        return;
      case 'plaintext':
        throw new Error('a plaintext for a link that the runtime never opens without a handshake');
      case 'established':
        onEstablished(effect);
        return;
      case 'sessionEnded':
        links.ended(effect);
        emit({ type: 'sessionEnded', peer: effect.peer, code: effect.code });
        return;
      case 'deliver':
        metrics.add('delivered');
        emit({ type: 'deliver', topic: effect.topic, id: effect.id, origin: effect.origin, data: effect.data });
        return;
      case 'validate':
        void decide(effect);
        return;
      case 'verdict':
        metrics.add('verdicts', [effect.verdict, effect.code ?? 'none']);
        return;
      case 'publishRefused':
        log.warn({ code: effect.code, reason: effect.message }, 'publish refused');
        return;
      case 'violation':
        metrics.add('violations', [effect.code]);
        log.warn(
          { link: effect.link, peer: effect.peer && formatPeerId(effect.peer), code: effect.code, clause: effect.clause },
          'violation',
        );
        emit({ type: 'violation', peer: effect.peer, code: effect.code, clause: effect.clause });
        return;
      case 'datagram':
        sendDatagram(effect.to, effect.data);
        return;
      case 'outcome':
        requests.settle(effect.token, effect.outcome);
        return;
      case 'notice':
        countNotice(metrics, effect.notice);
        emit({ type: 'notice', notice: effect.notice });
        return;
      case 'resolve':
        resolver.resolve(effect.name);
        return;
      default:
        effect satisfies never;
    }
  }

  /** Lets go of everything; the peers have been told, or never will be. */
  async function release(error: unknown): Promise<void> {
    redial.stop();
    resolver.stop();
    await Promise.all([transport.close(), http?.close()]);
    loop?.end();
    requests.stop();
    links.clear();
    ending.resolve(error);
  }

  async function stop(): Promise<void> {
    redial.stop();
    loop?.submit({ type: 'shutdown' });
    await release(undefined);
    log.info('stopped');
  }

  function publish(topic: string, data: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      const isTaken = loop?.submit({ type: 'publish', topic, data: Uint8Array.from(data) }, (effects) => {
        if (effects === undefined) {
          reject(new Error('the node has stopped'));
          return;
        }
        const refusal = effects.find((effect) => effect.type === 'publishRefused');
        if (refusal?.type === 'publishRefused') {
          reject(new Error(`${refusal.code}: ${refusal.message}`));
          return;
        }
        metrics.add('published');
        resolve();
      });
      if (isTaken !== true)
        reject(new Error(stopping === undefined ? 'too many inputs wait; publish more slowly' : 'the node has stopped'));
    });
  }

  /** Gauges are read when somebody looks. */
  function metricsText(): string {
    metrics.set('build', 1, [VERSION, SPEC_VERSION]);
    metrics.set('uptime', clock.now().monoMs / 1000);
    metrics.set('sessions', links.peers.length);
    metrics.set('links', links.size);
    metrics.set('queued', loop?.queued() ?? 0);
    metrics.set('requests', requests.waiting());
    readGauges(metrics, (name) => core.view(name));
    return metrics.text();
  }

  /** Opens the doors: what comes through them waits until the core is there. */
  async function open(): Promise<void> {
    if (config.listen !== undefined) listener = await transport.listen(config.listen, links.doors);
    if (config.datagrams === undefined || params['datagram.mode'] === 'off') return;
    const { host, port } = config.datagrams;
    const sessionsPort = listener?.bound.port ?? 0;
    try {
      datagrams = await transport.openDatagrams({ host, port: port === 0 ? sessionsPort : port }, { onDatagram: receiveDatagram });
    } catch (error) {
      // Whoever left the choice of ports to the system wants any two of them.
      if (port !== 0 || config.listen?.port !== 0) throw error;
      datagrams = await transport.openDatagrams({ host, port: 0 }, { onDatagram: receiveDatagram });
    }
  }

  try {
    await open();
  } catch (error) {
    await release(error);
    throw error;
  }
  const core = createNode({
    params,
    crypto: environment.crypto ?? nativeCrypto,
    seed: environment.seed ?? randomBytes(32),
    identitySeed: Uint8Array.from(identitySeed),
    networkId: config.networkId,
    stakes: config.stakes,
    roles: config.roles,
    listenAddresses: config.listenAddresses.length > 0 ? config.listenAddresses : boundAddresses(listener?.bound, datagrams?.bound),
    bootstrap: config.bootstrap,
    protectedPeers: new Set(config.peers.flatMap((peer) => peer.expected ?? [])),
    applicationValidation: environment.validate !== undefined,
  });
  loop = startLoop({
    machine: core,
    clock,
    perform,
    observe: (input, elapsedMs) => metrics.observe('handle', elapsedMs, [input.type]),
    fail: (error) => {
      log.fatal({ error: messageOf(error), stack: error instanceof Error ? error.stack : undefined }, 'the node failed');
      void release(error);
    },
  });
  for (const input of early) submit(input);
  early = [];

  const peerIdText = formatPeerId(core.peerId);
  const sources: PeerSources = {
    view: (name) => core.view(name),
    recordOrigins: async () => new Set((await application.records()).map(({ origin }) => origin)),
  };
  const node: RunningNode = {
    ...application,
    peerId: core.peerId,
    peerIdText,
    get url() {
      return listener?.url;
    },
    get httpUrl() {
      return http?.url;
    },
    get datagramEndpoint() {
      return datagrams?.bound;
    },
    metrics,
    publish,
    request: (request) => requests.ask(request),
    knownPeers: () => knownPeers(core.peerId, sources),
    connect,
    on: (type, notify) => {
      const set = listeners.get(type) ?? new Set();
      listeners.set(type, set);
      const entry = notify as (event: NodeEvent) => void;
      set.add(entry);
      return () => set.delete(entry);
    },
    view: (name) => core.view(name),
    peers: () => links.peers,
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
    ended: ending.promise,
  };

  try {
    if (config.http !== undefined) {
      http = await openHttp(config.http, {
        health: async () => ({
          isHealthy: stopping === undefined,
          detail: {
            status: stopping === undefined ? 'ok' : 'stopping',
            peer_id: peerIdText,
            ...(await standingOf(core.peerId, sources)),
            uptime_ms: clock.now().monoMs,
          },
        }),
        metricsText,
        peers: () => peerRows(sources, clock.now().monoMs),
      });
    }
  } catch (error) {
    await release(error);
    throw error;
  }
  redial.start();
  log.info({ peer_id: peerIdText, url: listener?.url, datagrams: datagrams?.bound, http: http?.url }, 'started');
  return node;
}
