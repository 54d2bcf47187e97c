/** Datagrams of a plan turned into bytes, and those of the node read. Spec: chapter 03, Datagrams. */
import { concat, hex, unhex, utf8 } from '../model/bytes.ts';
import { DATAGRAM_BYTES_MAX, datagramFault, encodeDatagram, makeProof, proofBytes, readDatagram } from '../model/datagram.ts';
import { frameRule } from '../model/frame.ts';
import { flipLast } from './envelopes.ts';
import { HarnessError } from './errors.ts';
import { type BuiltFrame, buildFrame, type FrameContext } from './frames.ts';
import type { Step } from './plan.ts';
import type { Recorder } from './recorder.ts';
import { resolveBytes } from './resolve.ts';
import type { SeenDatagram, TraceEvent } from './trace.ts';

/** A datagram to be sent; `from` is the kit's address. */
export type DatagramSpec = Omit<Extract<Step, { op: 'datagram' }>, 'op'>;

/** What a datagram's symbols are resolved with. */
export interface DatagramContext extends FrameContext {
  /** 8 bytes that no other datagram of the run has. */
  freshCookie(): Uint8Array;
}

const NO_TOKEN = new Uint8Array(8);

/** A datagram longer than this does not fit UDP. */
export const UDP_BYTES_MAX = 65_507;

/** Bytes of a datagram; undefined when a reference in it, or the question that it answers, has nothing to refer to. Throws `HarnessError` for a spec that means nothing or, without a defect, is not in order. */
export function buildDatagram(spec: DatagramSpec, context: DatagramContext): Uint8Array | undefined {
  const question = questionFor(spec, context);
  if (question === 'none') return undefined;
  const requestId = spec.frame.requestId ?? question?.requestId;
  const frame = buildFrame({ ...spec.frame, ...(requestId === undefined ? {} : { requestId }) }, context);
  const cookie = spec.cookie === undefined ? (question?.cookie ?? context.freshCookie()) : resolveBytes(spec.cookie, context.scope);
  const token = spec.token === undefined ? NO_TOKEN : resolveBytes(spec.token, context.scope);
  if (frame === undefined || cookie === undefined || token === undefined) return undefined;
  const bytes = assemble(spec, frame, { cookie, token }, context);
  checkDatagram(spec, frame, bytes, context);
  return bytes;
}

interface Question {
  readonly requestId: number;
  readonly cookie: Uint8Array;
}

/** The node's newest question to the address that a reply answers; undefined for what is no reply or says all itself, `none` when there is no question. */
function questionFor({ from, frame, cookie }: DatagramSpec, context: DatagramContext): Question | undefined | 'none' {
  const probe = buildFrame({ ...frame, requestId: 1 }, context);
  const rule = probe && frameRule(Number(probe.kind));
  if (rule?.requestId !== 'reply' || (frame.requestId !== undefined && cookie !== undefined)) return undefined;
  const asked = context.scope.events.findLast((event) => isQuestion(event, from, rule.name === 'Retry' ? undefined : rule.kind));
  if (asked?.type !== 'datagram' || asked.datagram.frame === undefined) return 'none';
  return { requestId: asked.datagram.frame.requestId, cookie: unhex(asked.datagram.cookie ?? '') };
}

function isQuestion(event: TraceEvent, from: string, answer: number | undefined): boolean {
  if (event.type !== 'datagram' || event.to !== from || event.datagram.frame === undefined) return false;
  const asked = frameRule(event.datagram.frame.kind);
  return asked?.requestId === 'request' && (answer === undefined || asked.answeredBy === answer);
}

function assemble(
  { by, defect }: DatagramSpec,
  frame: BuiltFrame,
  header: { readonly cookie: Uint8Array; readonly token: Uint8Array },
  { networkId, identities }: DatagramContext,
): Uint8Array {
  const network = defect?.kind === 'network' ? utf8(defect.networkId) : networkId;
  const rule = frameRule(Number(frame.kind));
  const isProven = rule !== undefined && proofBytes(rule) > 0 && defect?.kind !== 'noProof';
  if (isProven && by === undefined) throw new HarnessError(`a datagram with an answer of kind ${frame.kind} needs "by"`);
  const proof = isProven && by !== undefined ? makeProof(network, identities.of(by).seed, header.cookie, frame.bytes) : new Uint8Array();
  const bytes = encodeDatagram(network, { ...header, frame: frame.bytes }, defect?.kind === 'proof' ? flipLast(proof) : proof);
  switch (defect?.kind) {
    case 'tag':
      return concat(flipLast(bytes.subarray(0, 4)), bytes.subarray(4));
    case 'tail':
      return concat(bytes, unhex(defect.bytes));
    case 'cut':
      return bytes.slice(0, Math.max(0, bytes.length - defect.count));
    default:
      return bytes;
  }
}

/** A datagram without a defect reads back as it was meant, and nothing but its kind or its size may be against it. */
function checkDatagram({ defect }: DatagramSpec, frame: BuiltFrame, bytes: Uint8Array, { networkId }: DatagramContext): void {
  if (defect !== undefined) return;
  const read = readDatagram(networkId, bytes);
  const fault = datagramFault(networkId, bytes);
  const isMeant = fault === undefined || fault.clause === 'WIR-105' || fault.clause === 'WIR-106' || bytes.length > DATAGRAM_BYTES_MAX;
  if (!isMeant || read === undefined || hex(read.frame.raw) !== hex(frame.bytes))
    throw new HarnessError(`the kit's own datagram is not in order: ${fault?.clause ?? 'it reads back as another'}`);
}

/** A datagram as a trace shows it. */
export function seeDatagram(recorder: Recorder, networkId: Uint8Array, bytes: Uint8Array): SeenDatagram {
  const fault = datagramFault(networkId, bytes);
  const seen = { bytes: hex(bytes), fault: fault && { code: fault.code, clause: fault.clause } };
  const read = readDatagram(networkId, bytes);
  if (read === undefined) return seen;
  const { cookie, token, frame, proof } = read;
  return {
    ...seen,
    cookie: hex(cookie),
    token: hex(token),
    frame: recorder.see(frame),
    ...(proof === undefined ? {} : { proof: { peerId: hex(proof.peerId), publicKey: hex(proof.publicKey), valid: proof.valid } }),
  };
}
