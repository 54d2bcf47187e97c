/**
 * What executing a plan has in common on every kind of target: links, handshakes, sealing, the trace.
 * No I/O: bytes to send collect in the outbox, and whoever carries them calls back with what came.
 */
import { hex, unhex, utf8 } from '../model/bytes.ts';
import { intersectCapabilities } from '../model/hello.ts';
import { NoiseFailure, type NoiseSession } from '../model/noise.ts';
import { formatAddress } from './addresses.ts';
import { Asides, type OutgoingAside } from './asides.ts';
import { createEnvelopeStore, type EnvelopeStore, literalBytes } from './envelopes.ts';
import { HarnessError } from './errors.ts';
import { type BuiltFrame, buildFrame, joinFrames } from './frames.ts';
import { type HandshakeMemory, type HandshakeMessage, KitHandshake } from './handshake.ts';
import { createIdentities, type Identities, type Identity, labelsOf, NODE_LABEL, STAKE_AMOUNT, STAKE_LABELS } from './identities.ts';
import { sortCapabilities } from './kit-hello.ts';
import type { FrameSpec, Hex, Plan, SealedDefect, Step } from './plan.ts';
import { Recorder } from './recorder.ts';
import type { RefScope } from './resolve.ts';
import type { SeenFrame, Trace } from './trace.ts';
import type { ValueContext } from './values.ts';

/** Bytes for a link: a WebSocket message, or the plaintext of an established link. */
export interface Outgoing {
  readonly link: number;
  readonly kind: 'message' | 'plaintext';
  readonly bytes: Uint8Array;
  readonly text: boolean;
  /** First fragment of a message that never ends. */
  readonly unfinished: boolean;
}

/** The clocks and the identity of one run. */
export interface RunOptions {
  readonly plan: Plan;
  readonly seed: string;
  readonly runId: string;
  readonly networkId: string;
  readonly hasStakes: boolean;
  readonly nodeSeed?: Uint8Array;
  /** Parameters of chapter 19 in this run. */
  readonly parameters: Readonly<Record<string, number | string>>;
  /** Monotonic milliseconds as events are stamped. */
  readonly nowMs: () => number;
  /** The node's wall clock. */
  readonly wallMs: () => number;
}

type OpenStep = Extract<Step, { op: 'open' }>;
type StepOf<Op extends Step['op']> = Extract<Step, { op: Op }>;

interface Link {
  readonly number: number;
  readonly peer: Identity;
  readonly direction: 'inbound' | 'outbound';
  readonly capabilities: readonly string[];
  readonly roles: number;
  readonly listenAddresses: readonly string[];
  readonly transport: 'raw' | 'established';
  isClosed: boolean;
  hasSession: boolean;
  /** Capabilities of the session. */
  session: readonly string[];
  handshake: KitHandshake | undefined;
  /** The handshake's outcome is in the trace. */
  isSettled: boolean;
  noise: NoiseSession | undefined;
  /** Messages of the node that came before the kit's handshake began. */
  readonly early: Uint8Array[];
  /** The node's Pings without a Pong, nonce by request id. */
  readonly pings: Map<number, Hex>;
  lastSealed: Uint8Array | undefined;
  /** Sealed messages that wait until the next one has gone. */
  readonly held: Uint8Array[];
  lastRequestId: bigint;
}

const DEFAULT_CAPABILITIES: readonly string[] = ['gossip/1'];
/** Role bits of a peer that names none. */
const ROLE_APP = 1;
const EARLY_MAX = 16;
const PINGS_MAX = 1_000;
/** Request ids of the kit's own Pings begin above those that plans write by hand. */
const REQUEST_ID_START = 1_000n;

/** The state of one plan run. */
export class PlanRun {
  readonly recorder: Recorder;
  readonly identities: Identities;
  readonly envelopes: EnvelopeStore;
  readonly networkIdBytes: Uint8Array;
  readonly nodePeerId: Hex;
  /** Bytes to be sent, in order. */
  readonly outbox: (Outgoing | OutgoingAside)[] = [];
  /** Datagrams, commands and automatic peers. */
  readonly asides: Asides;
  readonly #options: RunOptions;
  readonly #links = new Map<number, Link>();
  readonly #memory: HandshakeMemory = { message3: undefined, nodeHello: undefined };

  constructor(options: RunOptions) {
    this.#options = options;
    const { seed, runId, networkId, nodeSeed } = options;
    this.networkIdBytes = utf8(networkId);
    this.identities = createIdentities({ seed, runId, networkId, ...(nodeSeed === undefined ? {} : { nodeSeed }) });
    this.envelopes = createEnvelopeStore(this.networkIdBytes, this.identities);
    this.recorder = new Recorder(this.networkIdBytes, this.envelopes);
    this.nodePeerId = this.identities.of(NODE_LABEL).peerIdHex;
    this.asides = new Asides({
      options,
      networkId: this.networkIdBytes,
      recorder: this.recorder,
      identities: this.identities,
      outbox: this.outbox,
      values: (link, endpoint) => this.values(link, endpoint),
      linkOf: (link) => this.#links.get(link),
      sendFrames: (link, frames) => this.#sendAutomatic(link, frames),
      endLink: (link) => {
        if (!this.isOpen(link)) return false;
        this.close(link, 'kit', undefined, options.nowMs());
        return true;
      },
    });
  }

  /** A step begins: records it. */
  beginStep(index: number, step: Step): void {
    this.recorder.step = index;
    this.recorder.add(this.#options.nowMs(), { type: 'step', value: step });
  }

  /** Records that the present step could not be carried out. */
  notSent(link: number, reason: string): void {
    this.recorder.add(this.#options.nowMs(), { type: 'notSent', link, reason });
  }

  /** Whether the link number is free for an `open` step; records `notSent` when it is not. */
  canOpen(step: OpenStep): boolean {
    if (!this.#links.has(step.link)) return true;
    this.notSent(step.link, 'the link number is in use');
    return false;
  }

  /** A connection exists. */
  addLink(step: OpenStep, transport: Link['transport'], address: string): void {
    const peer = this.identities.of(step.peer);
    const capabilities = sortCapabilities(step.capabilities ?? DEFAULT_CAPABILITIES);
    const direction = step.direction ?? 'inbound';
    this.#links.set(step.link, {
      number: step.link,
      peer,
      direction,
      capabilities,
      roles: step.roles ?? ROLE_APP,
      listenAddresses: step.listenAddresses ?? [],
      transport,
      isClosed: false,
      hasSession: false,
      session: [],
      handshake: undefined,
      isSettled: false,
      noise: undefined,
      early: [],
      pings: new Map(),
      lastSealed: undefined,
      held: [],
      lastRequestId: REQUEST_ID_START,
    });
    const { peerIdHex: peerId } = peer;
    this.recorder.add(this.#options.nowMs(), {
      type: 'linkUp',
      link: step.link,
      peer: step.peer,
      peerId,
      address,
      direction,
      capabilities,
    });
  }

  hasLink(link: number): boolean {
    return this.#links.has(link);
  }

  /** Whether the link exists and nobody has closed it. */
  isOpen(link: number): boolean {
    return this.#links.get(link)?.isClosed === false;
  }

  hasSession(link: number): boolean {
    return this.#links.get(link)?.hasSession === true;
  }

  /** Whether the kit's handshake on the link waits for the node. */
  awaitsHandshake(link: number): boolean {
    const open = this.#links.get(link);
    return open?.isClosed === false && open.handshake?.state.phase === 'waiting';
  }

  /** Whether the kit has said all that it will in a handshake and only the node can show what it made of it. */
  awaitsReaction(link: number): boolean {
    const open = this.#links.get(link);
    return open?.isClosed === false && open.handshake !== undefined && !open.isSettled;
  }

  /** What an established link offers and is. */
  peerOf(link: number):
    | {
        readonly publicKey: Uint8Array;
        readonly capabilities: readonly string[];
        readonly roles: number;
        readonly listenAddresses: readonly string[];
      }
    | undefined {
    const open = this.#links.get(link);
    return (
      open && { publicKey: open.peer.publicKey, capabilities: open.capabilities, roles: open.roles, listenAddresses: open.listenAddresses }
    );
  }

  /** An established link has its session; `nodeOffers` is what the node supports. */
  establish(link: number, nodeOffers: readonly string[], reported: readonly string[] | undefined): void {
    const open = this.#links.get(link);
    if (open === undefined || open.isClosed || open.hasSession) return;
    this.#sessionUp(open, reported ?? intersectCapabilities(sortCapabilities(nodeOffers), open.capabilities));
  }

  #sessionUp(
    open: Link,
    capabilities: readonly string[],
    hello: { readonly offered?: readonly string[]; readonly listens?: readonly string[] } = {},
  ): void {
    open.hasSession = true;
    open.isSettled = true;
    open.session = capabilities;
    this.recorder.add(this.#options.nowMs(), {
      type: 'sessionUp',
      link: open.number,
      nodePeerId: this.nodePeerId,
      capabilities,
      ...hello,
    });
    this.asides.behaviours.tell({ type: 'sessionUp', link: open.number, capabilities }, this.#options.nowMs());
  }

  /** Begins the kit's handshake on a raw link; its messages go to the outbox. */
  beginHandshake(step: StepOf<'handshake'> | { readonly link: number }): void {
    const open = this.#usable(step.link);
    if (open === undefined) return;
    if (open.transport !== 'raw' || open.handshake !== undefined) {
      this.notSent(step.link, open.transport === 'raw' ? 'the link has had its handshake' : 'an established link has no handshake');
      return;
    }
    const { defect, roles, capabilities } = 'op' in step ? step : {};
    open.handshake = new KitHandshake({
      isInitiator: open.direction === 'inbound',
      networkId: this.networkIdBytes,
      identity: open.peer,
      staticKey: this.identities.staticKey(open.number),
      ephemeral: this.identities.ephemeralKey(open.number),
      capabilities: capabilities ?? open.capabilities,
      roles: roles ?? open.roles,
      listenAddresses: open.listenAddresses,
      defect,
      memory: this.#memory,
    });
    this.#sendHandshake(open, open.handshake.begin());
    this.#noteFailure(open);
    for (const message of open.early.splice(0)) {
      this.#takeHandshake(open, open.handshake, message);
    }
  }

  #takeHandshake(open: Link, handshake: KitHandshake, message: Uint8Array): void {
    this.#sendHandshake(open, handshake.receive(message));
    this.#noteFailure(open);
    // Message 3 of the node is the last word; after the kit's own the node's reaction decides.
    if (open.direction === 'outbound' && handshake.state.phase === 'done') this.settleHandshake(open.number, false);
  }

  /** What the node made of the kit's last handshake message is known: there is a session now, or there is none. `isShown`: the node itself says that there is one. */
  settleHandshake(link: number, isShown: boolean): void {
    const open = this.#links.get(link);
    const state = open?.handshake?.state;
    if (open === undefined || state === undefined || open.hasSession || open.isClosed) return;
    // A node that dialled may say so before its message 3 arrives.
    if (state.phase === 'waiting' && open.direction === 'outbound') return;
    // A node that says it has a session is believed, whatever the kit thought of the handshake.
    if (isShown) open.isSettled = false;
    if (open.isSettled) return;
    if (state.phase === 'done') {
      if (state.nodePeerId !== this.nodePeerId) {
        this.#handshakeFailed(open, `the node proves PeerId ${state.nodePeerId}, not ${this.nodePeerId}`);
        return;
      }
      open.noise = state.noise;
      this.#sessionUp(open, state.capabilities, { offered: state.offered, listens: state.listens.map(formatAddress) });
    } else if (isShown) {
      this.#sessionUp(open, []);
    } else if (state.phase === 'sent') {
      this.#handshakeFailed(open, state.reason);
    }
  }

  #handshakeFailed(open: Link, reason: string): void {
    open.isSettled = true;
    this.recorder.add(this.#options.nowMs(), { type: 'handshakeFailed', link: open.number, reason });
  }

  #sendHandshake(open: Link, messages: readonly HandshakeMessage[]): void {
    for (const { number, bytes } of messages) {
      const role = `handshake${number}` as const;
      this.recorder.add(this.#options.nowMs(), { type: 'sentRaw', link: open.number, bytes: hex(bytes), text: false, role });
      this.#send(open, 'message', bytes);
    }
  }

  #noteFailure(open: Link): void {
    const state = open.handshake?.state;
    if (state?.phase === 'failed' && !open.isSettled) this.#handshakeFailed(open, state.reason);
  }

  /** A WebSocket message of the node. Returns the frames in it. */
  receiveMessage(link: number, bytes: Uint8Array, text: boolean, atMs: number): readonly SeenFrame[] {
    const open = this.#links.get(link);
    const record = (role: 'handshake1' | 'handshake2' | 'handshake3' | 'unreadable'): void =>
      this.recorder.add(atMs, { type: 'message', link, bytes: hex(bytes), role, ...(text ? { text } : {}) });
    if (open === undefined || text) {
      record('unreadable');
      return [];
    }
    const { handshake } = open;
    const noise = open.noise ?? (handshake?.state.phase === 'done' ? handshake.state.noise : undefined);
    if (noise !== undefined) return this.#openSealed(open, noise, bytes, atMs);
    if (handshake === undefined) {
      // Only a node that dialled speaks first.
      const isFirst = open.direction === 'outbound' && open.early.length === 0;
      record(isFirst ? 'handshake1' : 'unreadable');
      if (open.early.length < EARLY_MAX) open.early.push(bytes);
      return [];
    }
    const { permitted } = handshake;
    record(permitted === undefined ? 'unreadable' : `handshake${permitted}`);
    this.#takeHandshake(open, handshake, bytes);
    return [];
  }

  #openSealed(open: Link, noise: NoiseSession, bytes: Uint8Array, atMs: number): readonly SeenFrame[] {
    let plaintext: Uint8Array;
    try {
      plaintext = noise.open(bytes);
    } catch (error) {
      if (!(error instanceof NoiseFailure)) throw error;
      this.recorder.add(atMs, { type: 'message', link: open.number, bytes: hex(bytes), role: 'unreadable' });
      return [];
    }
    // The node could not have sealed this without a session.
    this.settleHandshake(open.number, true);
    return this.receivePlaintext(open.number, plaintext, atMs);
  }

  /** Plaintext of the node. Returns the frames in it. */
  receivePlaintext(link: number, plaintext: Uint8Array, atMs: number): readonly SeenFrame[] {
    const seen = this.recorder.plaintext(atMs, link, plaintext);
    const pings = this.#links.get(link)?.pings;
    for (const frame of seen) {
      const { body, requestId } = frame;
      this.asides.behaviours.tell({ type: 'frame', link, frame }, atMs);
      if (body?.type === 'Ping' && pings !== undefined && pings.size < PINGS_MAX) pings.set(requestId, body.nonce);
    }
    return seen;
  }

  /** The link is gone; the kit sends nothing on it from now on. */
  close(link: number, by: 'node' | 'kit', code: string | undefined, atMs: number): void {
    const open = this.#links.get(link);
    if (open === undefined || open.isClosed) return;
    open.isClosed = true;
    this.recorder.add(atMs, { type: 'closed', link, code, by });
    this.asides.behaviours.tell({ type: 'closed', link }, atMs);
    if (open.handshake !== undefined && !open.isSettled) this.#handshakeFailed(open, `the ${by} closed the connection`);
  }

  /** All links are gone without a word, as in a crash. */
  dropLinks(): void {
    for (const open of this.#links.values()) open.isClosed = true;
  }

  /** An open link that the step can use, or undefined with `notSent` recorded. */
  #usable(link: number): Link | undefined {
    const open = this.#links.get(link);
    if (open === undefined) this.notSent(link, 'there is no such link');
    else if (open.isClosed) this.notSent(link, 'the link is closed');
    else return open;
    return undefined;
  }

  #usableSession(link: number): Link | undefined {
    const open = this.#usable(link);
    if (open === undefined) return undefined;
    // A session that only the node believes in has no keys on the kit's side.
    if (open.hasSession && (open.transport === 'established' || open.noise !== undefined)) return open;
    this.notSent(link, 'the link has no session');
    return undefined;
  }

  /** Whether the link is open; records `notSent` when it is not. */
  checkOpen(link: number): boolean {
    return this.#usable(link) !== undefined;
  }

  /** Where references of the present step are looked up. */
  scope(link: number | undefined, endpoint?: string): RefScope {
    return { events: this.recorder.events, step: this.recorder.step, link, endpoint };
  }

  /** What values of the present step are resolved with. */
  values(link?: number, endpoint?: string): ValueContext {
    const { identities, envelopes } = this;
    return { identities, envelopes, wallMs: this.#options.wallMs(), scope: this.scope(link, endpoint) };
  }

  #buildFrames(open: Link, specs: readonly FrameSpec[]): readonly BuiltFrame[] | undefined {
    const built: BuiltFrame[] = [];
    for (const spec of specs) {
      const frame = buildFrame(spec, {
        ...this.values(open.number),
        networkId: this.networkIdBytes,
        freshRequestId: () => ++open.lastRequestId,
      });
      if (frame === undefined) return undefined;
      built.push(frame);
    }
    return built;
  }

  /** All frames of a step in one plaintext. */
  sendFrames(step: StepOf<'frames'>): void {
    const open = this.#usableSession(step.link);
    if (open === undefined) return;
    const frames = this.#buildFrames(open, step.frames);
    if (frames === undefined) {
      this.notSent(step.link, 'a reference has nothing to refer to');
      return;
    }
    const tail = unhex(step.tail ?? '');
    if (frames.length + tail.length === 0) throw new HarnessError('a frames step without frames; use plaintext for an empty one');
    const plaintext = joinFrames(frames, tail);
    this.#recordSent(open, frames, false);
    if (tail.length > 0) this.#recordRaw(open, tail, false, 'plaintext');
    this.#sendPlaintext(open, plaintext);
  }

  /** Frames of an automatic peer; false when the session is gone meanwhile. */
  #sendAutomatic(link: number, specs: readonly FrameSpec[]): boolean {
    const open = this.#links.get(link);
    if (open === undefined || open.isClosed || !open.hasSession || (open.transport === 'raw' && open.noise === undefined)) return false;
    const frames = this.#buildFrames(open, specs);
    if (frames === undefined || frames.length === 0) return false;
    this.#recordSent(open, frames, true);
    this.#sendPlaintext(open, joinFrames(frames, new Uint8Array()));
    return true;
  }

  /** A plaintext as it is. */
  sendPlaintextStep(step: StepOf<'plaintext'>): void {
    const open = this.#usableSession(step.link);
    if (open === undefined) return;
    const plaintext = unhex(step.bytes);
    if (step.spoil !== undefined && open.noise === undefined) {
      this.notSent(step.link, 'an established link carries no sealed messages');
      return;
    }
    this.#recordRaw(open, plaintext, false, 'plaintext');
    if (step.spoil === undefined || open.noise === undefined) this.#sendPlaintext(open, plaintext);
    else this.#sendSpoilt(open, open.noise.seal(plaintext), step.spoil);
  }

  #sendSpoilt(open: Link, sealed: Uint8Array, spoil: SealedDefect): void {
    if (spoil.kind === 'hold') {
      open.held.push(sealed);
      return;
    }
    const copy = spoil.kind === 'cut' ? sealed.slice(0, Math.max(0, sealed.length - spoil.count)) : sealed.slice();
    if (spoil.kind === 'flip') {
      const offset = ((spoil.offset % copy.length) + copy.length) % copy.length;
      copy[offset] = (copy[offset] ?? 0) ^ 1;
    }
    open.lastSealed = copy;
    this.#send(open, 'message', copy);
  }

  /** A WebSocket message as it is. */
  sendRaw(step: StepOf<'raw'>): void {
    const open = this.#usable(step.link);
    if (open === undefined) return;
    if (open.transport !== 'raw') {
      this.notSent(step.link, 'an established link carries no raw messages');
      return;
    }
    const bytes = typeof step.bytes === 'object' && 'replay' in step.bytes ? open.lastSealed : literalBytes(step.bytes);
    if (bytes === undefined) {
      this.notSent(step.link, 'nothing was sealed on the link yet');
      return;
    }
    const text = step.text ?? false;
    this.#recordRaw(open, bytes, text, undefined);
    this.outbox.push({ link: step.link, kind: 'message', bytes, text, unfinished: step.unfinished ?? false });
  }

  /** Puts a Pong for every Ping that waits on an open link into the outbox; returns how many. */
  answerPings(): number {
    let answered = 0;
    for (const open of this.#links.values()) {
      if (open.isClosed || !open.hasSession || (open.transport === 'raw' && open.noise === undefined)) continue;
      for (const [requestId, nonce] of [...open.pings]) {
        const frames = this.#buildFrames(open, [{ requestId, body: { type: 'Pong', nonce } }]);
        open.pings.delete(requestId);
        if (frames === undefined) continue;
        this.#recordSent(open, frames, true);
        this.#sendPlaintext(open, joinFrames(frames, new Uint8Array()));
        answered++;
      }
    }
    return answered;
  }

  /** The Pings that have come so far stay without an answer. */
  forgetPings(): void {
    for (const { pings } of this.#links.values()) pings.clear();
  }

  #recordSent(open: Link, frames: readonly BuiltFrame[], auto: boolean): void {
    for (const { kind, requestId, body, bytes } of frames) {
      const frame = this.recorder.see({ kind: Number(kind), requestId: Number(requestId), body, raw: bytes });
      this.recorder.add(this.#options.nowMs(), { type: 'sentFrame', link: open.number, frame, size: bytes.length, auto });
      // A plan that answers a Ping itself leaves nothing for the driver to answer.
      if (frame.body?.type === 'Pong' && open.pings.get(frame.requestId) === frame.body.nonce) open.pings.delete(frame.requestId);
    }
  }

  #recordRaw(open: Link, bytes: Uint8Array, text: boolean, role: 'plaintext' | undefined): void {
    const event = { type: 'sentRaw', link: open.number, bytes: hex(bytes), text } as const;
    this.recorder.add(this.#options.nowMs(), role === undefined ? event : { ...event, role });
  }

  #sendPlaintext(open: Link, plaintext: Uint8Array): void {
    if (open.transport === 'established') {
      this.#send(open, 'plaintext', plaintext);
      return;
    }
    if (open.noise === undefined) throw new HarnessError(`link ${open.number} has a session without keys`);
    open.lastSealed = open.noise.seal(plaintext);
    this.#send(open, 'message', open.lastSealed);
    for (const held of open.held.splice(0)) this.#send(open, 'message', held);
  }

  #send(open: Link, kind: Outgoing['kind'], bytes: Uint8Array): void {
    this.outbox.push({ link: open.number, kind, bytes, text: false, unfinished: false });
  }

  /** The trace so far. */
  trace(rest: Pick<Trace, 'level' | 'clock' | 'observes' | 'wallStartMs'>): Trace {
    const { plan, networkId, hasStakes, nowMs, parameters } = this.#options;
    const labels = labelsOf(plan, hasStakes);
    const staked = hasStakes ? [NODE_LABEL, ...STAKE_LABELS] : [];
    return {
      ...rest,
      parameters,
      setup: plan.setup,
      networkId,
      nodePeerId: this.nodePeerId,
      peerIds: Object.fromEntries(labels.map((label) => [label, this.identities.of(label).peerIdHex])),
      applicationValidation: plan.setup.applicationValidation ?? false,
      stakes: Object.fromEntries(
        staked.map((label) => [this.identities.of(label).peerIdHex, plan.setup.stakeAmounts?.[label] ?? STAKE_AMOUNT]),
      ),
      events: this.recorder.events,
      endMs: nowMs(),
    };
  }
}
