/**
 * Carries out a plan against a running node over real WebSockets, on the wall clock. Only what
 * peers can see is observed here. What a node dials itself cannot be triggered at this level.
 */
import { randomBytes } from 'node:crypto';
import { hex } from '../model/bytes.ts';
import { presetParameters } from '../model/parameters.ts';
import { readEndpoint } from './addresses.ts';
import { HarnessError, messageOf, PlanError, TargetError, targetProblem } from './errors.ts';
import { type ExecuteOptions, PRESET } from './execute.ts';
import type { Plan, Step } from './plan.ts';
import { PlanRun } from './plan-run.ts';
import { preflightWire } from './preflight.ts';
import { type PreparedNetwork, readPrepared } from './prepare.ts';
import { refsIn, resolveRef } from './resolve.ts';
import type { Trace } from './trace.ts';
import { openUdpSocket, parseUdpAddress, type UdpAddress, type UdpSocket } from './udp-socket.ts';
import { askUpgrade, canSpreadAddresses, connectWire, isLoopback, sourceAddress, type WireSocket } from './wire-socket.ts';

/** A running node, started with prepared files. */
export interface WireTarget {
  readonly url: string;
  readonly network: PreparedNetwork;
  /** Whether each link gets a source address of its own. */
  readonly spreadsAddresses: boolean;
  /** What the node's hello offered when it was reached; undefined when no handshake came about. */
  readonly capabilities: readonly string[] | undefined;
  /** Where the node takes datagrams, as far as is known. */
  readonly udp?: UdpAddress | undefined;
}

/** Where the node is and what it was started with. */
export interface WireTargetSpec {
  /** `ws://HOST:PORT` or `wss://…`. */
  readonly url: string;
  /** Directory of the prepared files. */
  readonly prepared: string;
  /** `HOST:PORT` where the node takes datagrams; taken from its hello if absent. */
  readonly udp?: string | undefined;
}

/**
 * Reads the prepared files and tries one handshake. Rejects with `PreparedError`, or `TargetError`
 * E_UNREACHABLE when no node listens there and E_INCOMPATIBLE when the node has another identity. A
 * handshake that fails is no error here: the checks judge it.
 */
export async function openWireTarget({ url, prepared, udp }: WireTargetSpec): Promise<WireTarget> {
  const network = readPrepared(prepared);
  if (!URL.canParse(url) || !/^wss?:$/.test(new URL(url).protocol)) {
    throw targetProblem('E_UNREACHABLE', 'the address of the node is not usable', 'ws://HOST:PORT', JSON.stringify(url), 'correct it');
  }
  const spreadsAddresses = isLoopback(url) && (await canSpreadAddresses());
  const target = { url, network, spreadsAddresses, capabilities: undefined };
  const probe: Plan = { setup: {}, steps: [{ op: 'open', link: 0, peer: 'probe', mode: 'session', capabilities: PROBE_CAPABILITIES }] };
  const options = { seed: hex(randomBytes(32)), runId: 'probe' };
  const trace = await executePlanOverWire(target, probe, options).catch((error: unknown) => {
    if (error instanceof TargetError && error.code === 'E_CRASHED') {
      throw unreachable(url, prepared, 'nobody');
    }
    throw error;
  });
  const foreign = trace.events.find((event) => event.type === 'handshakeFailed' && event.reason.startsWith('the node proves PeerId'));
  if (foreign?.type === 'handshakeFailed') {
    const action = `start the node with ${prepared}/node.key and network.toml`;
    throw targetProblem('E_INCOMPATIBLE', `the node at ${url} is another one`, 'the prepared identity', foreign.reason, action);
  }
  const failed = trace.events.find((event) => event.type === 'handshakeFailed' && event.reason.startsWith(UPGRADE_FAILED));
  if (failed?.type === 'handshakeFailed' && !JUDGED_UPGRADE.test(failed.reason)) {
    throw unreachable(url, prepared, failed.reason.slice(UPGRADE_FAILED.length));
  }
  const session = trace.events.find((event) => event.type === 'sessionUp');
  const hello = session?.type === 'sessionUp' ? session : undefined;
  return { ...target, capabilities: hello?.offered, udp: udpOf(udp, hello?.listens, url) };
}

/** The address that was given, or the one of the node's hello; on this machine the node is where its URL is, whatever it tells others. */
function udpOf(given: string | undefined, listens: readonly string[] | undefined, url: string): UdpAddress | undefined {
  if (given !== undefined) {
    const address = parseUdpAddress(given);
    if (address === undefined) {
      throw targetProblem('E_UNREACHABLE', 'the UDP address of the node is not usable', 'HOST:PORT', JSON.stringify(given), 'correct it');
    }
    return address;
  }
  const listed = listens?.find((address) => address.startsWith(UDP_SCHEME));
  const address = listed === undefined ? undefined : parseUdpAddress(listed.slice(UDP_SCHEME.length));
  return address && isLoopback(url) ? { host: '127.0.0.1', port: address.port } : address;
}

const UDP_SCHEME = 'udp://';

/** Begins the reason of a handshake that ended before the WebSocket was open. */
const UPGRADE_FAILED = 'the WebSocket upgrade: ';
/** An upgrade that was answered, but not as chapter 03 has it: that is for the checks to judge. */
const JUDGED_UPGRADE = /subprotocol|extension|Sec-WebSocket/i;

function unreachable(url: string, prepared: string, found: string): TargetError {
  const action = `start the node with the files of ${prepared}, or check the address`;
  return targetProblem('E_UNREACHABLE', `cannot reach the node at ${url}`, 'a node that takes WebSocket connections', found, action);
}

const PROBE_CAPABILITIES: readonly string[] = ['direct/1', 'gossip/1'];

/** Carries out a plan at level wire. Rejects as `executePlan` does; E_CRASHED when the node no longer listens. */
export async function executePlanOverWire(target: WireTarget, plan: Plan, options: ExecuteOptions): Promise<Trace> {
  const missing = preflightWire(plan);
  if (missing !== undefined) throw new PlanError('needs', `the plan needs ${missing}`);
  if (target.udp === undefined && plan.steps.some(usesDatagrams))
    throw new PlanError('needs', 'the plan needs the UDP address of the node');
  const execution = new WireExecution(target, plan, options);
  try {
    await execution.runSteps();
    return execution.trace();
  } finally {
    await execution.close();
  }
}

/** On top of the reaction time that the spec gives, for the scheduling of two processes on one machine. */
const MARGIN_MS = 500;

class WireExecution {
  readonly #target: WireTarget;
  readonly #plan: Plan;
  readonly #options: ExecuteOptions;
  readonly #run: PlanRun;
  readonly #parameters: Readonly<Record<string, number | string>> = presetParameters(PRESET);
  readonly #sockets = new Map<number, WireSocket>();
  /** By the kit's address as the plan names it. */
  readonly #udpSockets = new Map<string, UdpSocket>();
  readonly #startMs = performance.now();
  readonly #wallStartMs = Date.now();
  /** Between steps, what the node sends is kept for the next `advance`. */
  #answersPings = false;
  #isOver = false;
  /** A fault of the kit that came up inside a callback. */
  #fault: unknown;
  #wake: (() => void) | undefined;

  constructor(target: WireTarget, plan: Plan, options: ExecuteOptions) {
    this.#target = target;
    this.#plan = plan;
    this.#options = options;
    const { networkId, nodeSeed } = target.network;
    this.#run = new PlanRun({
      plan,
      seed: options.seed,
      runId: options.runId,
      networkId,
      nodeSeed,
      hasStakes: true,
      parameters: this.#parameters,
      nowMs: () => this.#nowMs(),
      wallMs: () => Date.now(),
    });
  }

  #nowMs(): number {
    return Math.round((performance.now() - this.#startMs) * 100) / 100;
  }

  #parameter(name: string): number {
    const value = this.#parameters[name];
    if (typeof value !== 'number') throw new HarnessError(`chapter 19 has no number for ${name}`);
    return value;
  }

  async runSteps(): Promise<void> {
    for (const [index, step] of this.#plan.steps.entries()) {
      this.#run.beginStep(index, step);
      await this.#awaitRefs(step);
      await this.#carryOut(step);
      this.#flush();
      // Lets what has arrived meanwhile be read, so that a long plan without `advance` does not starve the sockets.
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#fault !== undefined) throw this.#fault;
    }
  }

  trace(): Trace {
    return this.#run.trace({
      level: 'wire',
      observes: { deliver: false, verdict: false, closeCode: false, dial: false },
      wallStartMs: this.#wallStartMs,
    });
  }

  async close(): Promise<void> {
    this.#isOver = true;
    await Promise.all([
      ...[...this.#sockets.values()].map((socket) => socket.terminate()),
      ...[...this.#udpSockets.values()].map((socket) => socket.close()),
    ]);
  }

  async #carryOut(step: Step): Promise<void> {
    const run = this.#run;
    switch (step.op) {
      case 'open':
        return this.#open(step);
      case 'handshake':
        return this.#handshake(step);
      case 'frames':
        return run.sendFrames(step);
      case 'plaintext':
        return run.sendPlaintextStep(step);
      case 'raw':
        return run.sendRaw(step);
      case 'advance':
        return this.#advance(step.wireMs ?? step.ms, step.pongs ?? true);
      case 'closeLink':
        if (!run.checkOpen(step.link)) return;
        run.close(step.link, 'kit', undefined, this.#nowMs());
        this.#sockets.get(step.link)?.close();
        return;
      case 'upgrade':
        return this.#upgrade(step);
      case 'datagram':
        await this.#bind(step.from);
        return run.asides.sendDatagram(step);
      case 'rawDatagram':
        await this.#bind(step.from);
        return run.asides.sendRawDatagram(step);
      case 'behave':
        for (const address of [step.at ?? []].flat()) await this.#bind(address);
        return run.asides.behave(step);
      default:
        throw new HarnessError(`a step ${step.op} at level wire`);
    }
  }

  #localAddress(name: string): string | undefined {
    return this.#target.spreadsAddresses ? sourceAddress(this.#options.seed, this.#options.runId, name) : undefined;
  }

  /** A UDP socket for an address of the plan: the same source address for the same IP address. */
  async #bind(endpoint: string): Promise<void> {
    const { udp } = this.#target;
    if (udp === undefined || this.#udpSockets.has(endpoint)) return;
    const { ip, port } = readEndpoint(endpoint);
    const from = { address: this.#localAddress(ip), port };
    const take = (bytes: Uint8Array): void =>
      this.#guarded(() => {
        this.#run.asides.receiveDatagram(endpoint, bytes, this.#nowMs());
        this.#flush();
      });
    try {
      this.#udpSockets.set(endpoint, await openUdpSocket(udp, from, take));
    } catch (error) {
      throw new HarnessError(`the kit cannot take datagrams at ${from.address ?? 'this machine'}: ${messageOf(error)}`);
    }
  }

  async #open(step: Extract<Step, { op: 'open' }>): Promise<void> {
    const run = this.#run;
    if (!run.canOpen(step)) return;
    // Links with the same declared address share a source address.
    const localAddress = this.#localAddress(step.address ?? `link ${step.link}`);
    const early: { bytes: Uint8Array; text: boolean }[] = [];
    let isUp = false;
    const take = (bytes: Uint8Array, text: boolean): void =>
      this.#guarded(() => {
        run.receiveMessage(step.link, bytes, text, this.#nowMs());
        if (this.#answersPings) run.answerPings();
        this.#flush();
      });
    const connected = await connectWire(this.#target.url, localAddress, {
      onMessage: (bytes, text) => {
        if (isUp) take(bytes, text);
        else early.push({ bytes, text });
      },
      onClosed: () => this.#guarded(() => run.close(step.link, 'node', undefined, this.#nowMs())),
    });
    if (connected.kind === 'refused')
      throw new TargetError('E_CRASHED', `in step ${run.recorder.step} (open): nobody listens at ${this.#target.url}: ${connected.reason}`);
    if (connected.kind === 'local')
      throw new HarnessError(`the kit cannot connect from ${localAddress ?? 'this machine'}: ${connected.reason}`);
    run.addLink(step, 'raw', localAddress ?? '127.0.0.1');
    isUp = true;
    if (connected.kind === 'failed') {
      run.recorder.add(this.#nowMs(), { type: 'handshakeFailed', link: step.link, reason: `${UPGRADE_FAILED}${connected.reason}` });
      run.close(step.link, 'node', undefined, this.#nowMs());
      return;
    }
    this.#sockets.set(step.link, connected.socket);
    for (const { bytes, text } of early) take(bytes, text);
    if (step.mode === 'session') await this.#handshake({ link: step.link });
  }

  async #handshake(step: Extract<Step, { op: 'handshake' }> | { readonly link: number }): Promise<void> {
    const run = this.#run;
    const defect = 'op' in step ? step.defect : undefined;
    const reactionMs = this.#parameter('session.reaction_ms_max') + MARGIN_MS;
    run.beginHandshake(step);
    this.#flush();
    const limitMs = defect === undefined ? this.#parameter('session.handshake_timeout_ms') + MARGIN_MS : reactionMs;
    await this.#until(() => !run.awaitsHandshake(step.link), limitMs);
    // A node cannot answer in order to what is not: it gets the time to close. Where the kit just stops there is nothing to react to.
    if (defect !== undefined && defect.kind !== 'stopAfter') await this.#until(() => !run.awaitsReaction(step.link), reactionMs);
    if (!run.awaitsHandshake(step.link)) run.settleHandshake(step.link, false);
  }

  async #advance(ms: number, answersPings: boolean): Promise<void> {
    const run = this.#run;
    if (answersPings) run.answerPings();
    else run.forgetPings();
    this.#flush();
    this.#answersPings = answersPings;
    await this.#until(() => false, ms);
    this.#answersPings = false;
    if (!answersPings) run.forgetPings();
  }

  async #upgrade(step: Extract<Step, { op: 'upgrade' }>): Promise<void> {
    const answer = await askUpgrade(this.#target.url, this.#localAddress(`link ${step.link}`), step.subprotocols, step.extensions);
    if (answer.isRefused)
      throw new TargetError('E_CRASHED', `in step ${this.#run.recorder.step} (upgrade): nobody listens at ${this.#target.url}`);
    const { status, subprotocol, extensions } = answer;
    this.#run.recorder.add(this.#nowMs(), { type: 'upgraded', link: step.link, status, subprotocol, extensions });
  }

  /** Waits until what the step refers to has come, at most the time that a reaction may take. */
  async #awaitRefs(step: Step): Promise<void> {
    const refs = refsIn(step);
    if (refs.length === 0) return;
    const scope = this.#run.scope('link' in step ? step.link : undefined);
    const resolves = (): boolean => refs.every((ref) => resolveRef(ref, scope) !== undefined);
    await this.#until(resolves, this.#parameter('session.reaction_ms_max') + MARGIN_MS);
  }

  /** Sends what is to be sent, and what automatic peers have due. */
  #flush(): void {
    this.#run.asides.work();
    for (const outgoing of this.#run.outbox.splice(0)) {
      if (outgoing.kind === 'close') this.#sockets.get(outgoing.link)?.close();
      else if (outgoing.kind === 'datagram') this.#udpSockets.get(outgoing.from)?.send(outgoing.bytes);
      else if (this.#run.isOpen(outgoing.link)) this.#sockets.get(outgoing.link)?.send(outgoing.bytes, outgoing);
    }
  }

  /** Runs a socket's callback; what it throws ends the plan at the next step, not the process. */
  #guarded(work: () => void): void {
    if (this.#isOver) return;
    try {
      work();
    } catch (error) {
      this.#fault ??= error;
    }
    this.#wake?.();
  }

  /** Waits until the condition holds, which sockets can change, or the time is over. */
  async #until(holds: () => boolean, limitMs: number): Promise<void> {
    const endMs = performance.now() + limitMs;
    while (!holds() && this.#fault === undefined) {
      const leftMs = endMs - performance.now();
      if (leftMs <= 0) return;
      // An automatic peer may have something to do before.
      const dueMs = this.#run.asides.behaviours.nextMs;
      const waitMs = dueMs === undefined ? leftMs : Math.min(leftMs, Math.max(0, dueMs - this.#nowMs()));
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, waitMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#wake = undefined;
      if (this.#run.asides.behaviours.nextMs !== undefined) this.#flush();
    }
  }
}

/** Whether a step needs a UDP address of the node. */
function usesDatagrams(step: Step): boolean {
  return step.op === 'datagram' || step.op === 'rawDatagram' || (step.op === 'behave' && step.at !== undefined);
}
