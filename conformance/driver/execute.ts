/** Carries out a plan through an adapter and writes down what happened. */
import { create } from '@bufbuild/protobuf';
import {
  AdvanceRequestSchema,
  Clock,
  ClosedInputSchema,
  CommandInputSchema,
  ConnectInputSchema,
  CrashRequestSchema,
  DatagramInputSchema,
  DestroyRequestSchema,
  DialFailedInputSchema,
  Direction,
  type Effect,
  EstablishedLinkSchema,
  FrameInputSchema,
  type InputRequest,
  InputRequestSchema,
  MessageInputSchema,
  OpenRequestSchema,
  PublishInputSchema,
  RawLinkSchema,
  ResolvedInputSchema,
  RestartRequestSchema,
  type StepResponse,
  Until,
  ValidatedInputSchema,
  VerdictKind,
} from '../../proto/gen/carillon/adapter/v1/adapter_pb.ts';
import { hex } from '../model/bytes.ts';
import type { Listener } from './behaviour-host.ts';
import { REQUEST_LIMIT_MS, type RequestOp } from './connection.ts';
import { addressMessage, createRequest, runParameters, WALL_START_MS } from './create-request.ts';
import { type Dial, Dials } from './dials.ts';
import { literalBytes } from './envelopes.ts';
import { HarnessError, PlanError, TargetError } from './errors.ts';
import { derive } from './identities.ts';
import type { Plan, Step } from './plan.ts';
import { type Outgoing, type OutgoingAside, PlanRun } from './plan-run.ts';
import { preflight, rawLinks } from './preflight.ts';
import type { Target } from './target.ts';
import type { Trace } from './trace.ts';

export { PRESET, WALL_START_MS } from './create-request.ts';

/** What makes a run repeatable. */
export interface ExecuteOptions {
  /** Decides every key, nonce and the node's own choices. */
  readonly seed: string;
  /** Another id gives other test identities; the same seed and id on a seeded target give the same trace. */
  readonly runId: string;
}

/** Advance answers in a row that do not move the clock; more is a livelock. */
const STILL_ANSWERS_MAX = 10_000;
/** Rounds of messages that one step may cause before the kit takes it for a loop. */
const ROUNDS_MAX = 10_000;

/** Text id of the network of a run at level adapter, at most 32 bytes. */
export function adapterNetworkId(seed: string): string {
  return `conformance-${hex(derive('network', seed)).slice(0, 12)}`;
}

/**
 * Carries out a plan at level adapter. Rejects with `PlanError` when the target lacks, does not
 * support or refuses something, `TargetError` when it breaks the protocol or dies, and `HarnessError`
 * when the plan means nothing.
 */
export async function executePlan(target: Target, plan: Plan, options: ExecuteOptions): Promise<Trace> {
  const missing = preflight(plan, target.hello);
  if (missing !== undefined) throw new PlanError('needs', `the plan needs ${missing}`);
  const execution = new Execution(target, plan, options);
  try {
    await execution.create();
    await execution.runSteps();
  } catch (error) {
    // What went wrong first is what the user needs to hear.
    await execution.destroy().catch(() => undefined);
    throw error;
  }
  const trace = execution.trace();
  await execution.destroy();
  return trace;
}

class Execution {
  readonly #target: Target;
  readonly #plan: Plan;
  readonly #seed: string;
  readonly #networkId: string;
  readonly #run: PlanRun;
  readonly #node: number;
  readonly #rawLinks: ReadonlySet<number>;
  #isCreated = false;
  #nowMs = 0;
  /** Time of the effect that is being taken, else the node's clock. */
  #stampMs = 0;
  /** Step in progress; −1 before the first. */
  #step = -1;
  readonly #dials: Dials;
  readonly #validations: bigint[] = [];
  /** Commands that were taken, by their place in the order of tokens. */
  readonly #commands: { readonly label: string; readonly command: string; hasOutcome: boolean }[] = [];

  constructor(target: Target, plan: Plan, { seed, runId }: ExecuteOptions) {
    this.#target = target;
    this.#plan = plan;
    this.#seed = seed;
    this.#networkId = adapterNetworkId(seed);
    this.#node = target.nextNode();
    this.#rawLinks = rawLinks(plan);
    this.#run = new PlanRun({
      plan,
      seed,
      runId,
      networkId: this.#networkId,
      hasStakes: plan.setup.stakes === true,
      parameters: runParameters(plan.setup),
      nowMs: () => this.#stampMs,
      wallMs: () => WALL_START_MS + this.#nowMs,
    });
    this.#dials = new Dials(this.#run.behaviours);
  }

  async create(): Promise<void> {
    const { identities, networkIdBytes: networkId } = this.#run;
    const value = createRequest(this.#plan.setup, { node: this.#node, seed: this.#seed, networkId, identities });
    const effects = await this.#ask({ case: 'create', value });
    this.#isCreated = true;
    await this.#settle(effects);
  }

  async runSteps(): Promise<void> {
    for (const [index, step] of this.#plan.steps.entries()) {
      this.#step = index;
      this.#run.beginStep(index, step);
      await this.#carryOut(step);
      await this.#flush();
    }
  }

  async destroy(): Promise<void> {
    if (!this.#isCreated || this.#target.connection.fault !== undefined) return;
    this.#isCreated = false;
    const result = await this.#target.request({ case: 'destroy', value: create(DestroyRequestSchema, { node: this.#node }) });
    if (result.case !== 'step') {
      throw new TargetError('E_ADAPTER', `the adapter answered Destroy of a node that it has with ${result.case} (CNF-006)`);
    }
  }

  trace(): Trace {
    const has = (capability: string): boolean => this.#target.hello.capabilities.includes(capability);
    return this.#run.trace({
      level: 'adapter',
      clock: this.#target.hello.clock === Clock.WALL ? 'wall' : 'virtual',
      observes: { deliver: true, verdict: has('reasons'), closeCode: has('reasons'), dial: has('outbound') },
      wallStartMs: WALL_START_MS,
    });
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
        return this.#advance(step.ms, step.pongs ?? true);
      case 'publish':
        return this.#input({ case: 'publish', value: create(PublishInputSchema, { topic: step.topic, data: literalBytes(step.data) }) });
      case 'closeLink':
        if (!run.checkOpen(step.link)) return;
        run.close(step.link, 'kit', undefined, this.#nowMs);
        return this.#input({ case: 'closed', value: create(ClosedInputSchema, { link: step.link }) });
      case 'connect': {
        const expectedPeerId = step.expected === undefined ? new Uint8Array() : run.identities.of(step.expected).peerId;
        return this.#input({ case: 'connect', value: create(ConnectInputSchema, { address: step.address, expectedPeerId }) });
      }
      case 'validated': {
        const token = this.#validations[step.index];
        if (token === undefined) return run.notSent(-1, `there was no Validate effect number ${step.index}`);
        return this.#input({ case: 'validated', value: create(ValidatedInputSchema, { token, verdict: VERDICTS[step.verdict] }) });
      }
      case 'crash': {
        const effects = await this.#ask({ case: 'crash', value: create(CrashRequestSchema, { node: this.#node }) });
        run.dropLinks();
        this.#dials.clear();
        run.recorder.add(this.#nowMs, { type: 'crashed' });
        return this.#settle(effects);
      }
      case 'restart': {
        const effects = await this.#ask({ case: 'restart', value: create(RestartRequestSchema, { node: this.#node }) });
        run.recorder.add(this.#nowMs, { type: 'restarted' });
        return this.#settle(effects);
      }
      case 'dialFailed': {
        const dial = this.#dials.take(step.dialled);
        return dial === undefined ? run.notSent(-1, 'the node has not dialled') : this.#failDial(dial);
      }
      case 'resolved':
        return this.#input({ case: 'resolved', value: create(ResolvedInputSchema, { name: step.name, texts: [...step.texts] }) });
      case 'command':
        return this.#command(step);
      case 'datagram':
        return run.sendDatagram(step);
      case 'rawDatagram':
        return run.sendRawDatagram(step);
      case 'behave':
        return run.behave(step);
      case 'upgrade':
        throw new HarnessError('an upgrade step at level adapter');
    }
  }

  async #command(step: Extract<Step, { op: 'command' }>): Promise<void> {
    const args = this.#run.commandArguments(step);
    if (args === undefined) return;
    const { command, label } = step;
    this.#commands.push({ label, command, hasOutcome: false });
    const token = BigInt(this.#commands.length);
    return this.#input({ case: 'command', value: create(CommandInputSchema, { token, command, args: [...args] }) });
  }

  #failDial({ dial }: Dial): Promise<void> {
    return this.#input({ case: 'dialFailed', value: create(DialFailedInputSchema, { dial }) });
  }

  async #open(step: Extract<Step, { op: 'open' }>): Promise<void> {
    const run = this.#run;
    if (!run.canOpen(step)) return;
    const isOutbound = step.direction === 'outbound';
    const dial = isOutbound ? this.#dials.take(step.dialled) : undefined;
    if (isOutbound && dial === undefined) return run.notSent(step.link, 'the node has not dialled');
    return this.#connect(step, dial);
  }

  async #connect(step: Extract<Step, { op: 'open' }>, dial: Dial | undefined): Promise<void> {
    const run = this.#run;
    const isRaw = this.#rawLinks.has(step.link) || !this.#target.hello.capabilities.includes('established');
    const address = step.address ?? (dial === undefined ? addressOf(step.link) : hostOf(dial.address));
    run.addLink(step, isRaw ? 'raw' : 'established', address);
    const peer = run.peerOf(step.link);
    if (peer === undefined) throw new HarnessError(`link ${step.link} is gone`);
    const value = create(OpenRequestSchema, {
      node: this.#node,
      link: step.link,
      direction: dial === undefined ? Direction.INBOUND : Direction.OUTBOUND,
      remoteAddress: address,
      dial: dial?.dial ?? 0n,
      mode: isRaw
        ? { case: 'raw', value: create(RawLinkSchema) }
        : {
            case: 'established',
            value: create(EstablishedLinkSchema, {
              ...peer,
              capabilities: [...peer.capabilities],
              listenAddresses: peer.listenAddresses.map(addressMessage),
            }),
          },
    });
    const effects = await this.#ask({ case: 'open', value });
    if (!isRaw) {
      const established = effects
        .map(({ effect }) => effect)
        .find((effect) => effect.case === 'established' && effect.value.link === step.link);
      const isClosed = effects.some(({ effect }) => effect.case === 'close' && effect.value.link === step.link);
      // A session that the node refuses at once never was; one that replaces it is seen by its Established effect.
      if (!isClosed || established !== undefined) {
        run.establish(step.link, this.#nodeOffers(), established?.case === 'established' ? established.value.capabilities : undefined);
      }
    }
    await this.#settle(effects);
    if (isRaw && step.mode === 'session') await this.#handshake({ link: step.link });
  }

  /** Capabilities that the node offers in this run, as far as its Hello and the parameters tell. */
  #nodeOffers(): readonly string[] {
    const parameters = runParameters(this.#plan.setup);
    const isOff = (capability: string): boolean => {
      const noun = capability.slice(0, capability.indexOf('/'));
      const value = parameters[MODES[noun] ?? `${noun}.mode`];
      if (noun === 'gossip' || noun === 'direct') return parameters['gossip.mode'] === (noun === 'gossip' ? 'off' : 'only');
      return value === 'off';
    };
    return this.#target.hello.capabilities.filter((capability) => capability.includes('/') && !isOff(capability));
  }

  async #handshake(step: Extract<Step, { op: 'handshake' }> | { readonly link: number }): Promise<void> {
    const run = this.#run;
    run.beginHandshake(step);
    await this.#flush();
    // Whatever the node still has to do at this moment of its clock.
    if (run.awaitsHandshake(step.link)) await this.#advanceOnce(this.#nowMs, Until.TARGET);
    await this.#flush();
    if (!run.awaitsHandshake(step.link)) run.settleHandshake(step.link, false);
  }

  async #advance(ms: number, answersPings: boolean): Promise<void> {
    const run = this.#run;
    const targetMs = this.#nowMs + Math.round(ms);
    if (answersPings) run.answerPings();
    else run.forgetPings();
    await this.#flush();
    let still = 0;
    while (this.#nowMs < targetMs) {
      const before = this.#nowMs;
      // An automatic peer may have something to do before.
      const dueMs = Math.ceil(run.behaviours.nextMs ?? targetMs);
      await this.#advanceOnce(Math.min(targetMs, Math.max(dueMs, this.#nowMs)), Until.EFFECT);
      if (answersPings) run.answerPings();
      else run.forgetPings();
      await this.#flush();
      still = this.#nowMs > before ? 0 : still + 1;
      if (still > STILL_ANSWERS_MAX) {
        throw this.#during(new TargetError('E_CRASHED', `livelock: ${still} wakes at ${this.#nowMs} ms and the clock does not move`));
      }
    }
  }

  async #advanceOnce(toMs: number, until: Until): Promise<void> {
    const isWall = this.#target.hello.clock === Clock.WALL;
    const value = create(AdvanceRequestSchema, { node: this.#node, toMs: BigInt(toMs), until });
    const before = this.#nowMs;
    const effects = await this.#ask({ case: 'advance', value }, REQUEST_LIMIT_MS + (isWall ? toMs - before : 0));
    if (!isWall && this.#nowMs > toMs) {
      throw this.#during(new TargetError('E_ADAPTER', `Advance to ${toMs} ms left the clock at ${this.#nowMs} ms (CNF-004)`));
    }
    this.#take(effects);
  }

  async #input(input: Exclude<InputRequest['input'], { case: undefined }>): Promise<void> {
    const effects = await this.#ask({ case: 'input', value: create(InputRequestSchema, { node: this.#node, input }) });
    await this.#settle(effects);
  }

  /** Takes effects and sends what they cause. */
  async #settle(effects: readonly Effect[]): Promise<void> {
    this.#take(effects);
    await this.#flush();
  }

  /** Sends the outbox until it is empty and automatic peers have nothing to do at this moment, effects of what was sent included. */
  async #flush(): Promise<void> {
    const { outbox } = this.#run;
    for (let round = 0; ; round++) {
      if (round > ROUNDS_MAX) throw new HarnessError(`the kit and the node answer each other without end in step ${this.#step}`);
      this.#run.workBehaviours();
      const dials = this.#dials.takeAnswers();
      if (outbox.length === 0 && dials.length === 0) return;
      for (const outgoing of outbox.splice(0)) {
        // The node may have closed the link in answer to the bytes before.
        if ((outgoing.kind === 'message' || outgoing.kind === 'plaintext') && !this.#run.isOpen(outgoing.link)) continue;
        this.#take(await this.#ask({ case: 'input', value: create(InputRequestSchema, { node: this.#node, input: inputOf(outgoing) }) }));
      }
      for (const { listener, opens, ...dial } of dials) {
        if (opens) await this.#openListener(dial, listener);
        else await this.#failDial(dial);
      }
    }
  }

  /** An automatic peer takes the node's dial. */
  async #openListener(dial: Dial, listener: Listener): Promise<void> {
    const { capabilities, roles, listenAddresses } = listener;
    const link = this.#run.nextAutoLink();
    this.#run.behaviours.listenOnLink(link, listener);
    await this.#connect(
      {
        op: 'open',
        link,
        peer: listener.peer.label,
        mode: 'session',
        direction: 'outbound',
        ...(capabilities === undefined ? {} : { capabilities }),
        ...(roles === undefined ? {} : { roles }),
        ...(listenAddresses === undefined ? {} : { listenAddresses }),
      },
      dial,
    );
  }

  /** One request whose answer is a step. Moves the clock and returns the effects, checked against it. */
  async #ask(op: RequestOp, limitMs?: number): Promise<readonly Effect[]> {
    let result: Awaited<ReturnType<Target['request']>>;
    try {
      result = await this.#target.request(op, limitMs);
    } catch (error) {
      throw error instanceof TargetError ? this.#during(error) : error;
    }
    const step = this.#step < 0 ? undefined : this.#step;
    if (result.case === 'unsupported')
      throw new PlanError('unsupported', `the adapter does not support ${op.case}: ${result.value.what}`, step);
    if (result.case === 'refused') throw new PlanError('refused', `the adapter refused ${op.case}: ${result.value.reason}`, step);
    if (result.case !== 'step') throw this.#during(new TargetError('E_ADAPTER', `the adapter answered ${op.case} with ${result.case}`));
    this.#moveClock(result.value, op.case);
    return result.value.effects;
  }

  #moveClock({ nowMs, effects }: StepResponse, op: string): void {
    const now = this.#milliseconds(nowMs);
    if (now < this.#nowMs)
      throw this.#during(new TargetError('E_ADAPTER', `${op} set the node's clock back from ${this.#nowMs} to ${now} ms (CNF-004)`));
    const mayMove = op === 'advance' || this.#target.hello.clock === Clock.WALL;
    if (!mayMove && now !== this.#nowMs) {
      throw this.#during(new TargetError('E_ADAPTER', `${op} moved the virtual clock from ${this.#nowMs} to ${now} ms (CNF-004)`));
    }
    let last = this.#nowMs;
    for (const { atMs, effect } of effects) {
      const at = this.#milliseconds(atMs);
      if (at < last || at > now) {
        throw this.#during(
          new TargetError(
            'E_ADAPTER',
            `${op} reports an effect (${effect.case ?? 'unknown'}) at ${at} ms, outside of ${last} to ${now} ms`,
          ),
        );
      }
      last = at;
    }
    this.#nowMs = now;
    this.#stampMs = now;
  }

  #milliseconds(value: bigint): number {
    if (value > BigInt(Number.MAX_SAFE_INTEGER))
      throw this.#during(new TargetError('E_ADAPTER', `the adapter names a time of ${value} ms`));
    return Number(value);
  }

  #take(effects: readonly Effect[]): void {
    for (const { atMs, effect } of effects) {
      this.#stampMs = Number(atMs);
      this.#takeOne(this.#stampMs, effect);
    }
    this.#stampMs = this.#nowMs;
  }

  #takeOne(atMs: number, effect: Effect['effect']): void {
    const run = this.#run;
    const { recorder } = run;
    if (effect.case !== undefined && 'link' in effect.value && effect.case !== 'verdict' && !run.hasLink(effect.value.link)) {
      throw this.#during(
        new TargetError('E_ADAPTER', `an effect (${effect.case}) names link ${effect.value.link}, which was never opened`),
      );
    }
    switch (effect.case) {
      case 'dial': {
        const { dial, address } = effect.value;
        recorder.add(atMs, { type: 'dial', dial: Number(dial), address });
        this.#dials.add({ dial, address });
        break;
      }
      case 'close':
        run.close(effect.value.link, 'node', effect.value.code === '' ? undefined : effect.value.code, atMs);
        break;
      case 'message':
        run.receiveMessage(effect.value.link, effect.value.data, false, atMs);
        break;
      case 'frame':
        run.receivePlaintext(effect.value.link, effect.value.plaintext, atMs);
        break;
      case 'established':
        run.settleHandshake(effect.value.link, true);
        break;
      case 'deliver': {
        const { topic, id, origin, data } = effect.value;
        recorder.add(atMs, { type: 'deliver', topic, id: hex(id), origin: hex(origin), data: hex(data) });
        break;
      }
      case 'validate': {
        const { token, topic, id, origin } = effect.value;
        this.#validations.push(token);
        recorder.add(atMs, { type: 'validate', token: Number(token), topic, id: hex(id), origin: hex(origin) });
        break;
      }
      case 'verdict': {
        const { link, envelopeHash, verdict: kind, code, clause } = effect.value;
        const verdict = VERDICT_NAMES.get(kind);
        if (verdict === undefined) throw this.#during(new TargetError('E_ADAPTER', `a Verdict effect names verdict ${kind}`));
        recorder.add(atMs, { type: 'verdict', link, envelopeHash: hex(envelopeHash), verdict, code, clause });
        break;
      }
      case 'outcome': {
        const { token, error, values } = effect.value;
        const command = this.#commands[Number(token) - 1];
        if (command === undefined || command.hasOutcome) {
          throw this.#during(new TargetError('E_ADAPTER', `an Outcome effect names token ${token}, which waits for none (CNF-011)`));
        }
        command.hasOutcome = true;
        recorder.add(atMs, { type: 'outcome', label: command.label, command: command.command, error, values: values.map(hex) });
        break;
      }
      case 'notice':
        recorder.add(atMs, { type: 'notice', notice: effect.value.notice, values: effect.value.values.map(hex) });
        break;
      case 'datagram':
        run.receiveDatagram(effect.value.remoteAddress, effect.value.data, atMs);
        break;
      case 'resolve':
        recorder.add(atMs, { type: 'resolve', name: effect.value.name });
        break;
      case undefined:
        throw this.#during(new TargetError('E_ADAPTER', 'the adapter reports an effect that the kit does not know'));
    }
  }

  /** The same error with the step in which it happened. */
  #during(error: TargetError): TargetError {
    const op = this.#plan.steps[this.#step]?.op;
    return op === undefined ? error : new TargetError(error.code, `in step ${this.#step} (${op}): ${error.message}`);
  }
}

const VERDICTS = { accept: VerdictKind.ACCEPT, ignore: VerdictKind.IGNORE, reject: VerdictKind.REJECT } as const;
const VERDICT_NAMES: ReadonlyMap<VerdictKind, keyof typeof VERDICTS> = new Map([
  [VerdictKind.ACCEPT, 'accept'],
  [VerdictKind.IGNORE, 'ignore'],
  [VerdictKind.REJECT, 'reject'],
]);

function inputOf(outgoing: Outgoing | OutgoingAside): Exclude<InputRequest['input'], { case: undefined }> {
  switch (outgoing.kind) {
    case 'plaintext':
      return { case: 'frame', value: create(FrameInputSchema, { link: outgoing.link, plaintext: outgoing.bytes }) };
    case 'message':
      return { case: 'message', value: create(MessageInputSchema, { link: outgoing.link, data: outgoing.bytes, text: outgoing.text }) };
    case 'datagram':
      return { case: 'datagram', value: create(DatagramInputSchema, { remoteAddress: outgoing.from, data: outgoing.bytes }) };
    case 'close':
      return { case: 'closed', value: create(ClosedInputSchema, { link: outgoing.link }) };
  }
}

/** Parameters that switch a capability on and off, where they are not `<noun>.mode`. */
const MODES: Readonly<Record<string, string>> = { reconcile: 'reconcile.mode', iblt: 'reconcile.iblt' };

/** An address of the benchmarking range 198.18.0.0/15, another for each link, so that limits by address do not meet by chance. */
function addressOf(link: number): string {
  const host = (link + 1) % 131_072;
  return `198.${18 + Math.floor(host / 65_536)}.${Math.floor(host / 256) % 256}.${host % 256}`;
}

/** The IP address in what the node dialled; a fixed one when it holds a name. */
function hostOf(address: string): string {
  const host = /^(?:[a-z]+:\/\/)?(?:\[([0-9a-fA-F:.]+)\]|(\d+\.\d+\.\d+\.\d+))(?::\d+)?(?:\/.*)?$/.exec(address);
  return host?.[1] ?? host?.[2] ?? '203.0.113.1';
}
