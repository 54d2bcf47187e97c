/** What a run does beside its links: datagrams, commands, and what automatic peers do by themselves. No I/O. */
import { hex } from '../model/bytes.ts';
import { readEndpoint } from './addresses.ts';
import { BehaviourHost, type Deed, type Listener } from './behaviour-host.ts';
import { makeBehaviour } from './behaviours/index.ts';
import { buildDatagram, type DatagramSpec, seeDatagram, UDP_BYTES_MAX } from './datagrams.ts';
import { HarnessError } from './errors.ts';
import { derive, type Identities, type Identity } from './identities.ts';
import type { FrameSpec, Step } from './plan.ts';
import type { RunOptions } from './plan-run.ts';
import type { Recorder } from './recorder.ts';
import { resolveValue, type ValueContext } from './values.ts';

/** A datagram for the node, or a link that an automatic peer ends. */
export type OutgoingAside =
  | { readonly kind: 'datagram'; readonly from: string; readonly bytes: Uint8Array }
  | { readonly kind: 'close'; readonly link: number };

/** A link as far as automatic peers are concerned. */
interface AsideLink {
  readonly peer: Identity;
  readonly isClosed: boolean;
  readonly hasSession: boolean;
  readonly session: readonly string[];
}

/** The run that asides belong to. */
export interface AsideRun {
  readonly options: Pick<RunOptions, 'seed' | 'runId' | 'parameters' | 'nowMs' | 'wallMs'>;
  readonly networkId: Uint8Array;
  readonly recorder: Recorder;
  readonly identities: Identities;
  readonly outbox: { push(outgoing: OutgoingAside): number };
  values(link?: number, endpoint?: string): ValueContext;
  linkOf(link: number): AsideLink | undefined;
  /** Sends frames on a link; false when it has no session any more. */
  sendFrames(link: number, frames: readonly FrameSpec[]): boolean;
  /** Ends a link; false when it is gone already. */
  endLink(link: number): boolean;
}

type StepOf<Op extends Step['op']> = Extract<Step, { op: Op }>;

/** Request ids of the kit's own questions begin above those that plans write by hand, and so do links of automatic peers. */
const REQUEST_ID_START = 1_000n;
const AUTO_LINK_START = 1_000_000;

/** The asides of one run. */
export class Asides {
  readonly behaviours: BehaviourHost = new BehaviourHost();
  readonly #run: AsideRun;
  /** Count of the kit's datagrams, for request ids and cookies. */
  #lastDatagram = REQUEST_ID_START;
  #lastAutoLink = AUTO_LINK_START;

  constructor(run: AsideRun) {
    this.#run = run;
  }

  #notSent(link: number, reason: string): void {
    this.#run.recorder.add(this.#run.options.nowMs(), { type: 'notSent', link, reason });
  }

  /** A datagram to the node. */
  sendDatagram(spec: DatagramSpec, auto = false): void {
    const { from } = spec;
    readEndpoint(from);
    const bytes = buildDatagram(spec, {
      ...this.#run.values(undefined, from),
      networkId: this.#run.networkId,
      freshRequestId: () => ++this.#lastDatagram,
      freshCookie: () => derive('cookie', this.#run.options.seed, this.#run.options.runId, `${++this.#lastDatagram}`).subarray(0, 8),
    });
    if (bytes === undefined) {
      if (!auto) this.#notSent(-1, 'a reference has nothing to refer to, or the node has asked nothing');
      return;
    }
    this.#sendDatagramBytes(from, bytes, auto);
  }

  /** A datagram of these bytes. */
  sendRawDatagram({ from, bytes: value }: StepOf<'rawDatagram'>): void {
    readEndpoint(from);
    const bytes = resolveValue(value, this.#run.values(undefined, from));
    if (bytes !== undefined && bytes.length > UDP_BYTES_MAX)
      throw new HarnessError(`a datagram of ${bytes.length} bytes; UDP carries ${UDP_BYTES_MAX}`);
    if (bytes === undefined) this.#notSent(-1, 'a reference has nothing to refer to');
    else this.#sendDatagramBytes(from, bytes, false);
  }

  #sendDatagramBytes(from: string, bytes: Uint8Array, auto: boolean): void {
    const datagram = seeDatagram(this.#run.recorder, this.#run.networkId, bytes);
    this.#run.recorder.add(this.#run.options.nowMs(), { type: 'sentDatagram', from, datagram, auto });
    this.#run.outbox.push({ kind: 'datagram', from, bytes });
  }

  /** The bytes of a command's arguments, recorded; undefined with `notSent` recorded when a reference has nothing to refer to. */
  commandArguments({ command, args, label }: StepOf<'command'>): readonly Uint8Array[] | undefined {
    const values = args.map((arg) => resolveValue(arg, this.#run.values())).filter((value) => value !== undefined);
    if (values.length < args.length) {
      this.#notSent(-1, 'a reference has nothing to refer to');
      return undefined;
    }
    const sealed = args.findIndex((arg) => typeof arg === 'object' && ('sealed' in arg || 'envelope' in arg));
    const envelope = values[sealed];
    this.#run.recorder.add(this.#run.options.nowMs(), {
      type: 'sentCommand',
      label,
      command,
      args: values.map(hex),
      ...(envelope === undefined ? {} : { envelope: this.#run.recorder.seeEnvelope(envelope) }),
    });
    return values;
  }

  /** A datagram of the node to an address of the kit. */
  receiveDatagram(to: string, bytes: Uint8Array, atMs: number): void {
    const datagram = seeDatagram(this.#run.recorder, this.#run.networkId, bytes);
    this.#run.recorder.add(atMs, { type: 'datagram', to, datagram });
    this.behaviours.tell({ type: 'datagram', at: to, datagram }, atMs);
  }

  /** An automatic peer takes its place. */
  behave(step: StepOf<'behave'>): void {
    const { link, at, as, peer, capabilities, roles, listenAddresses } = step;
    const { options, identities, networkId } = this.#run;
    const open = link === undefined ? undefined : this.#run.linkOf(link);
    if (link !== undefined && (open === undefined || open.isClosed)) {
      this.#notSent(link, open === undefined ? 'there is no such link' : 'the link is closed');
      return;
    }
    const self = open?.peer ?? (peer === undefined ? undefined : identities.of(peer));
    if (self === undefined || (link === undefined && at === undefined))
      throw new HarnessError('a behave step needs a link, or "at" and "peer"');
    const { nowMs, wallMs } = options;
    const behaviour = makeBehaviour(as, step.with, {
      self,
      identities,
      networkId,
      nowMs,
      wallMs,
      parameter: (name) => this.#parameter(name),
    });
    const listener: Listener = { behaviour, peer: self, capabilities, roles, listenAddresses };
    if (link !== undefined) {
      this.behaviours.listenOnLink(link, listener);
      if (open?.hasSession === true) this.behaviours.tell({ type: 'sessionUp', link, capabilities: open.session }, nowMs());
    }
    for (const address of typeof at === 'string' ? [at] : (at ?? [])) this.behaviours.listenAt(address, listener);
  }

  #parameter(name: string): number {
    const value = this.#run.options.parameters[name];
    if (typeof value !== 'number') throw new HarnessError(`chapter 19 has no number for ${name}`);
    return value;
  }

  /** Does what automatic peers have due; returns whether there was anything. */
  work(): boolean {
    let worked = false;
    for (;;) {
      const deed = this.behaviours.take(this.#run.options.nowMs());
      if (deed === undefined) return worked;
      worked = true;
      this.#carryOut(deed);
    }
  }

  #carryOut({ said, listener }: Deed): void {
    if ('datagram' in said) this.sendDatagram({ by: listener.peer.label, ...said.datagram }, true);
    else if ('frames' in said) this.#run.sendFrames(said.link, said.frames);
    else if ('close' in said && this.#run.endLink(said.close)) this.#run.outbox.push({ kind: 'close', link: said.close });
  }

  /** A link number for a peer that the node has dialled by itself. */
  nextAutoLink(): number {
    this.#lastAutoLink += 1;
    return this.#lastAutoLink;
  }
}
