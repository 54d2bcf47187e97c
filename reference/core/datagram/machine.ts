/**
 * The datagram machine: who may ask without a session, who may be answered, and what becomes of the
 * node's own questions. What is wrong is dropped without a word. Spec: chapter 03, Datagrams
 */
import { copyBytes, equalBytes } from '../bytes.ts';
import { invariant } from '../errors.ts';
import type { DatagramCommand, DatagramHandle, Machine } from '../machine.ts';
import type { Params } from '../params.ts';
import type { Endpoint, MonoMs, Now } from '../types.ts';
import { CAPABILITY_DHT, CAPABILITY_MEMPOOL, CAPABILITY_OVERLAY, CAPABILITY_RECONCILE, CAPABILITY_RECORDS } from '../types.ts';
import {
  answerBytes,
  bodyBytesMax,
  COOKIE_BYTES,
  type DatagramReading,
  datagramTag,
  encodeDatagram,
  makeProof,
  NO_TOKEN,
  questionBytes,
  readDatagram,
  verifyProof,
} from '../wire/datagram.ts';
import { KEY_TYPE_ED25519 } from '../wire/envelope.ts';
import { encodeFrame, FRAME_KINDS, KIND_RETRY } from '../wire/frame.ts';
import { derivePeerId } from '../wire/peer-id.ts';
import { createBucket, take } from '../wire/rate.ts';
import { type Asked, createAskedQuestions } from './answering.ts';
import { createQuestions, type Question } from './asking.ts';
import { createBucketSet } from './buckets.ts';
import type { DatagramInput, DatagramOptions, DatagramOutput } from './contract.ts';
import { createTokenMint, createTokenPurse } from './tokens.ts';

export type { DatagramInput, DatagramOptions, DatagramOutput } from './contract.ts';

/** The machine, with its read-only ports. */
export interface DatagramMachine extends Machine<DatagramInput, DatagramOutput> {
  /** The state as plain data, for people and tests; no secrets. */
  view(): unknown;
}

type Ask = Extract<DatagramCommand, { readonly type: 'askByDatagram' }>;
type Answer = Extract<DatagramCommand, { readonly type: 'answerByDatagram' }>;
type Reading = Extract<DatagramReading, { readonly ok: true }>;

/** The cookie tells questions apart, so all have the shortest request id. */
const REQUEST_ID = 1;
const EMPTY = new Uint8Array(0);

const MODES = {
  [CAPABILITY_DHT]: 'dht.mode',
  [CAPABILITY_MEMPOOL]: 'mempool.mode',
  [CAPABILITY_OVERLAY]: 'overlay.mode',
  [CAPABILITY_RECONCILE]: 'reconcile.mode',
  [CAPABILITY_RECORDS]: 'records.mode',
} as const;

/** Whether the node offers what a kind needs. */
function isOffered(params: Params, needs: string | undefined): boolean {
  if (needs === undefined) return true;
  const mode = Object.hasOwn(MODES, needs) ? MODES[needs as keyof typeof MODES] : undefined;
  return mode !== undefined && params[mode] === 'on';
}

/** Starts the machine. */
export function createDatagrams(options: DatagramOptions): DatagramMachine {
  const { params, crypto, networkId } = options;
  const isOn = params['datagram.mode'] === 'on';
  const bytesMax = params['datagram.bytes_max'];
  const tag = datagramTag(crypto, networkId);
  const proofKey = { networkId, seed: options.identitySeed, publicKey: options.publicKey };
  const mint = createTokenMint(crypto, options.rng.fork('token').bytes(32), params);
  const cookies = options.rng.fork('cookie');
  const purse = createTokenPurse(params);
  const questions = createQuestions(params);
  const asked = createAskedQuestions(params);
  const vouched = createBucketSet(params);
  const unvouched = createBucketSet(params);
  const unprovenProofs = createBucket(params['datagram.unproven_proofs_per_s'], 0);
  let out: DatagramOutput[] = [];

  function send(to: Endpoint, data: Uint8Array): void {
    out.push({ type: 'datagram', to, data });
  }

  function sendQuestion(question: Question, nowMs: MonoMs): void {
    const { to, cookie, token, frame } = question;
    send(to, encodeDatagram({ tag, cookie, token, frame }));
    questions.sent(question, nowMs);
  }

  function ask(command: Ask, nowMs: MonoMs): void {
    const reply = FRAME_KINDS.get(command.kind)?.reply;
    invariant(reply !== undefined && FRAME_KINDS.get(command.kind)?.datagram !== undefined, 'only questions that travel are put');
    const question: Question = {
      ask: command.ask,
      to: command.to,
      peer: command.peer,
      kind: command.kind,
      reply,
      requestId: REQUEST_ID,
      cookie: cookies.bytes(COOKIE_BYTES),
      frame: encodeFrame(command.kind, REQUEST_ID, command.body),
      deadlineMs: nowMs + command.timeoutMs,
      token: purse.tokenFor(command.to, nowMs),
      againMs: undefined,
      retransmitsLeft: params['datagram.retransmits_max'],
      retried: false,
    };
    const fits = questionBytes(question.frame.length) <= bytesMax;
    if (!isOn || !fits || command.to.port === 0 || !questions.add(question)) {
      out.push({ type: 'unanswered', ask: command.ask, kind: command.kind });
      return;
    }
    sendQuestion(question, nowMs);
  }

  function sendRetry(question: Pick<Asked, 'from' | 'requestId' | 'cookie'>, nowMs: MonoMs): void {
    const { from, requestId, cookie } = question;
    send(from, encodeDatagram({ tag, cookie, token: mint.tokenFor(from, nowMs), frame: encodeFrame(KIND_RETRY, requestId, EMPTY) }));
  }

  function answer({ handle, kind, body }: Answer, nowMs: MonoMs): void {
    const question = asked.take(handle, nowMs);
    if (question === undefined) return;
    invariant(kind === question.row.reply, 'a question is answered by the kind that its own asks for');
    const frame = encodeFrame(kind, question.requestId, body);
    const bytes = answerBytes(frame.length);
    invariant(bytes <= bytesMax, 'an answer fits one datagram');
    const mayAnswer = question.proven || (bytes <= question.bytes && take(unprovenProofs, 1, nowMs));
    if (!mayAnswer) {
      sendRetry(question, nowMs);
      return;
    }
    const { from, cookie } = question;
    const proof = makeProof(crypto, proofKey, cookie, frame);
    send(from, encodeDatagram({ tag, cookie, token: mint.tokenFor(from, nowMs), frame, proof }));
  }

  function onQuestion(from: Endpoint, datagram: Reading, bytes: number, nowMs: MonoMs): void {
    const { row, requestId, cookie } = datagram;
    const proven = mint.isValid(from, datagram.token, nowMs);
    if (!(proven ? vouched : unvouched).admit(from.ip, bytes, nowMs)) return;
    const replyRow = row.reply === undefined ? undefined : FRAME_KINDS.get(row.reply);
    invariant(replyRow !== undefined, 'a request has a kind of reply');
    const headerBytes = encodeFrame(replyRow.kind, requestId, EMPTY).length;
    // An answer with nothing in it would be too long already: the chapter need not be asked.
    const isRoom = row.datagram !== 'proven' && answerBytes(headerBytes) <= bytes;
    if (!proven && !isRoom) {
      sendRetry({ from, requestId, cookie }, nowMs);
      return;
    }
    const handle: DatagramHandle = asked.add({ from, row, requestId, cookie: copyBytes(cookie), bytes, proven, atMs: nowMs });
    out.push({
      type: 'datagramAsked',
      handle,
      from,
      kind: row.kind,
      body: datagram.body,
      bodyBytesMax: bodyBytesMax(bytesMax, replyRow, headerBytes - 1),
    });
  }

  function onReply(from: Endpoint, datagram: Reading, bytes: number, nowMs: MonoMs): void {
    const { row, requestId, cookie, token, frame, proof } = datagram;
    const question = questions.match(from, cookie, requestId, row.kind);
    if (question === undefined || !vouched.admit(from.ip, bytes, nowMs)) return;
    if (proof === undefined) {
      onRetry(question, token, nowMs);
      return;
    }
    const publicKey = verifyProof(crypto, networkId, cookie, frame, proof);
    if (publicKey === undefined) return;
    const peer = derivePeerId(crypto, KEY_TYPE_ED25519, publicKey);
    if (question.peer !== undefined && question.peer !== peer) return;
    questions.remove(question);
    purse.keep(from, token, nowMs);
    out.push({ type: 'answeredByDatagram', ask: question.ask, from, peer, publicKey, kind: row.kind, body: datagram.body });
  }

  function onRetry(question: Question, token: Uint8Array, nowMs: MonoMs): void {
    purse.keep(question.to, token, nowMs);
    if (question.retried || equalBytes(token, NO_TOKEN)) return;
    question.retried = true;
    question.token = copyBytes(token);
    sendQuestion(question, nowMs);
  }

  function onDatagram(from: Endpoint, data: Uint8Array, nowMs: MonoMs): void {
    if (!isOn || from.port === 0) return;
    const datagram = readDatagram(tag, data, bytesMax);
    if (!datagram.ok || !isOffered(params, datagram.row.needs)) return;
    if (datagram.row.exchange === 'request') onQuestion(from, datagram, data.length, nowMs);
    else onReply(from, datagram, data.length, nowMs);
  }

  function onTick(nowMs: MonoMs): void {
    for (const { what, question } of questions.due(nowMs)) {
      if (what === 'again') sendQuestion(question, nowMs);
      else out.push({ type: 'unanswered', ask: question.ask, kind: question.kind });
    }
  }

  function handle(input: DatagramInput, now: Now): readonly DatagramOutput[] {
    out = [];
    switch (input.type) {
      case 'datagram':
        onDatagram(input.from, input.data, now.monoMs);
        break;
      case 'askByDatagram':
        ask(input, now.monoMs);
        break;
      case 'answerByDatagram':
        answer(input, now.monoMs);
        break;
      case 'tick':
        onTick(now.monoMs);
        break;
    }
    return out;
  }

  return {
    handle,
    deadline: () => questions.deadline(),
    view: () => ({
      questions: questions.size,
      asked: asked.size,
      tokens: purse.size,
      buckets: { vouched: vouched.size, unvouched: unvouched.size },
    }),
  };
}
