/** Carries out a plan through an adapter and writes down what happened. */
import { create } from '@bufbuild/protobuf';
import {
  AdvanceRequestSchema,
  Clock,
  ClosedInputSchema,
  CommandInputSchema,
  ConnectInputSchema,
  CrashRequestSchema,
  DestroyRequestSchema,
  DialFailedInputSchema,
  Direction,
  type Effect,
  EstablishedLinkSchema,
  type InputRequest,
  InputRequestSchema,
  OpenRequestSchema,
  PublishInputSchema,
  RawLinkSchema,
  ResolvedInputSchema,
  RestartRequestSchema,
  Until,
  ValidatedInputSchema,
  VerdictKind,
} from '../../proto/gen/carillon/adapter/v1/adapter_pb.ts';
import { hex } from '../model/bytes.ts';
import type { Listener } from './behaviour-host.ts';
import { REQUEST_LIMIT_MS, type RequestOp } from './connection.ts';
import { addressMessage, createRequest, offeredCapabilities, runParameters, WALL_START_MS } from './create-request.ts';
import { type Dial, Dials } from './dials.ts';
import { EffectReader } from './effect-reader.ts';
import { literalBytes } from './envelopes.ts';
import { HarnessError, PlanError, TargetError } from './errors.ts';
import { derive } from './identities.ts';
import { NodeClock } from './node-clock.ts';
import { addressOf, hostOf, inputOf } from './node-inputs.ts';
import type { Plan, Step } from './plan.ts';
import { PlanRun } from './plan-run.ts';
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
  /** Capabilities that the node offers. */
  readonly #offered: readonly string[];
  #isCreated = false;
  /** Time of the effect that is being taken, else the node's clock. */
  #stampMs = 0;
  /** Step in progress; −1 before the first. */
  #step = -1;
  readonly #clock: NodeClock;
  readonly #dials: Dials;
  readonly #effects: EffectReader;

  constructor(target: Target, plan: Plan, { seed, runId }: ExecuteOptions) {
    this.#target = target;
    this.#plan = plan;
    this.#seed = seed;
    this.#networkId = adapterNetworkId(seed);
    this.#node = target.nextNode();
    this.#clock = new NodeClock(target);
    this.#rawLinks = rawLinks(plan);
    const parameters = runParameters(plan.setup);
    this.#offered = offeredCapabilities(parameters, target.hello.capabilities);
    this.#run = new PlanRun({
      plan,
      seed,
      runId,
      networkId: this.#networkId,
      hasStakes: plan.setup.stakes === true,
      parameters,
      nowMs: () => this.#stampMs,
      wallMs: () => WALL_START_MS + this.#clock.nowMs,
    });
    this.#dials = new Dials(this.#run.asides.behaviours);
    this.#effects = new EffectReader(this.#run, this.#dials);
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
        run.close(step.link, 'kit', undefined, this.#clock.nowMs);
        return this.#input({ case: 'closed', value: create(ClosedInputSchema, { link: step.link }) });
      case 'connect': {
        const expectedPeerId = step.expected === undefined ? new Uint8Array() : run.identities.of(step.expected).peerId;
        return this.#input({ case: 'connect', value: create(ConnectInputSchema, { address: step.address, expectedPeerId }) });
      }
      case 'validated': {
        const token = this.#effects.validations[step.index];
        if (token === undefined) return run.notSent(-1, `there was no Validate effect number ${step.index}`);
        return this.#input({ case: 'validated', value: create(ValidatedInputSchema, { token, verdict: VERDICTS[step.verdict] }) });
      }
      case 'crash': {
        const effects = await this.#ask({ case: 'crash', value: create(CrashRequestSchema, { node: this.#node }) });
        run.dropLinks();
        this.#dials.clear();
        run.recorder.add(this.#clock.nowMs, { type: 'crashed' });
        return this.#settle(effects);
      }
      case 'restart': {
        const effects = await this.#ask({ case: 'restart', value: create(RestartRequestSchema, { node: this.#node }) });
        run.recorder.add(this.#clock.nowMs, { type: 'restarted' });
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
        return run.asides.sendDatagram(step);
      case 'rawDatagram':
        return run.asides.sendRawDatagram(step);
      case 'behave':
        return run.asides.behave(step);
      case 'upgrade':
        throw new HarnessError('an upgrade step at level adapter');
    }
  }

  async #command(step: Extract<Step, { op: 'command' }>): Promise<void> {
    const args = this.#run.asides.commandArguments(step);
    if (args === undefined) return;
    const { command, label } = step;
    const token = this.#effects.addCommand(command, label);
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
        run.establish(step.link, this.#offered, established?.case === 'established' ? established.value.capabilities : undefined);
      }
    }
    await this.#settle(effects);
    if (isRaw && step.mode === 'session') await this.#handshake({ link: step.link });
  }

  async #handshake(step: Extract<Step, { op: 'handshake' }> | { readonly link: number }): Promise<void> {
    const run = this.#run;
    run.beginHandshake(step);
    await this.#flush();
    // Whatever the node still has to do at this moment of its clock.
    if (run.awaitsHandshake(step.link)) await this.#advanceOnce(this.#clock.nowMs, Until.TARGET);
    await this.#flush();
    if (!run.awaitsHandshake(step.link)) run.settleHandshake(step.link, false);
  }

  async #advance(ms: number, answersPings: boolean): Promise<void> {
    const run = this.#run;
    const targetMs = this.#clock.nowMs + Math.round(ms);
    if (answersPings) run.answerPings();
    else run.forgetPings();
    await this.#flush();
    let still = 0;
    while (this.#clock.nowMs < targetMs) {
      const before = this.#clock.nowMs;
      // An automatic peer may have something to do before.
      const dueMs = Math.ceil(run.asides.behaviours.nextMs ?? targetMs);
      await this.#advanceOnce(Math.min(targetMs, Math.max(dueMs, this.#clock.nowMs)), Until.EFFECT);
      if (answersPings) run.answerPings();
      else run.forgetPings();
      await this.#flush();
      still = this.#clock.nowMs > before ? 0 : still + 1;
      if (still > STILL_ANSWERS_MAX) {
        throw this.#during(new TargetError('E_CRASHED', `livelock: ${still} wakes at ${this.#clock.nowMs} ms and the clock does not move`));
      }
    }
  }

  async #advanceOnce(toMs: number, until: Until): Promise<void> {
    const isWall = this.#target.hello.clock === Clock.WALL;
    const value = create(AdvanceRequestSchema, { node: this.#node, toMs: BigInt(toMs), until });
    const before = this.#clock.nowMs;
    const effects = await this.#ask({ case: 'advance', value }, REQUEST_LIMIT_MS + (isWall ? toMs - before : 0));
    if (!isWall && this.#clock.nowMs > toMs) {
      throw this.#during(new TargetError('E_ADAPTER', `Advance to ${toMs} ms left the clock at ${this.#clock.nowMs} ms (CNF-004)`));
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
      this.#run.asides.work();
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
    const link = this.#run.asides.nextAutoLink();
    this.#run.asides.behaviours.listenOnLink(link, listener);
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

  /** One request; what goes wrong is told with the step in which it happened. */
  async #ask(op: RequestOp, limitMs?: number): Promise<readonly Effect[]> {
    try {
      const effects = await this.#clock.ask(op, limitMs);
      this.#stampMs = this.#clock.nowMs;
      return effects;
    } catch (error) {
      if (error instanceof PlanError && this.#step >= 0) throw new PlanError(error.reason, error.message, this.#step);
      throw error instanceof TargetError ? this.#during(error) : error;
    }
  }

  #take(effects: readonly Effect[]): void {
    try {
      for (const { atMs, effect } of effects) {
        this.#stampMs = Number(atMs);
        this.#effects.take(this.#stampMs, effect);
      }
    } catch (error) {
      throw error instanceof TargetError ? this.#during(error) : error;
    }
    this.#stampMs = this.#clock.nowMs;
  }

  /** The same error with the step in which it happened. */
  #during(error: TargetError): TargetError {
    const op = this.#plan.steps[this.#step]?.op;
    return op === undefined ? error : new TargetError(error.code, `in step ${this.#step} (${op}): ${error.message}`);
  }
}

const VERDICTS = { accept: VerdictKind.ACCEPT, ignore: VerdictKind.IGNORE, reject: VerdictKind.REJECT } as const;
