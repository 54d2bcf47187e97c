/** The questions that this node has put and that wait for their answers. Spec: chapter 03, WIR-108, WIR-140 to WIR-146 */
import { toHex } from '../bytes.ts';
import type { Params } from '../params.ts';
import type { AskId, Endpoint, MonoMs, PeerId } from '../types.ts';
import { KIND_RETRY } from '../wire/frame.ts';
import { endpointKey } from './tokens.ts';

/** One question, as it is sent and sent again. */
export interface Question {
  readonly ask: AskId;
  readonly to: Endpoint;
  /** Who has to answer; undefined when anybody may. */
  readonly peer: PeerId | undefined;
  readonly kind: number;
  /** The kind of its answer. */
  readonly reply: number;
  readonly requestId: number;
  readonly cookie: Uint8Array;
  readonly frame: Uint8Array;
  readonly deadlineMs: MonoMs;
  token: Uint8Array;
  /** When it is sent again; undefined when it is not. */
  againMs: MonoMs | undefined;
  retransmitsLeft: number;
  /** Whether a Retry has been followed: further ones are not. */
  retried: boolean;
}

/** What is due for a question. */
export type Due = { readonly what: 'again' | 'over'; readonly question: Question };

/** The questions by their cookies. */
export interface Questions {
  /** Takes up a question unless there are `datagram.questions_max` already or its cookie is in use; says whether. */
  add(question: Question): boolean;
  /** The question that a reply matches. */
  match(from: Endpoint, cookie: Uint8Array, requestId: number, kind: number): Question | undefined;
  remove(question: Question): void;
  /** The question has been sent: when it is to be sent again. */
  sent(question: Question, nowMs: MonoMs): void;
  /** What is due now, in the order in which the questions were put; those that are over are removed. */
  due(nowMs: MonoMs): readonly Due[];
  /** No later than the next thing that is due. */
  deadline(): MonoMs | undefined;
  readonly size: number;
}

/** No questions. */
export function createQuestions(params: Params): Questions {
  const waiting = new Map<string, Question>();
  /** Never later than what is due next; earlier after a question has gone, which costs one idle tick. */
  let nextMs = Number.POSITIVE_INFINITY;

  const dueOf = (question: Question): MonoMs => Math.min(question.deadlineMs, question.againMs ?? question.deadlineMs);

  return {
    add(question) {
      const key = toHex(question.cookie);
      if (waiting.size >= params['datagram.questions_max'] || waiting.has(key)) return false;
      waiting.set(key, question);
      nextMs = Math.min(nextMs, dueOf(question));
      return true;
    },
    match(from, cookie, requestId, kind) {
      const question = waiting.get(toHex(cookie));
      if (question === undefined || question.requestId !== requestId) return undefined;
      if (kind !== question.reply && kind !== KIND_RETRY) return undefined;
      return endpointKey(question.to) === endpointKey(from) ? question : undefined;
    },
    remove(question) {
      waiting.delete(toHex(question.cookie));
    },
    sent(question, nowMs) {
      question.againMs = question.retransmitsLeft > 0 ? nowMs + params['datagram.retransmit_ms'] : undefined;
      nextMs = Math.min(nextMs, dueOf(question));
    },
    due(nowMs) {
      const found: Due[] = [];
      for (const [key, question] of waiting) {
        if (question.deadlineMs <= nowMs) {
          waiting.delete(key);
          found.push({ what: 'over', question });
        } else if (question.againMs !== undefined && question.againMs <= nowMs) {
          question.retransmitsLeft -= 1;
          question.againMs = undefined;
          found.push({ what: 'again', question });
        }
      }
      nextMs = Number.POSITIVE_INFINITY;
      for (const question of waiting.values()) nextMs = Math.min(nextMs, dueOf(question));
      return found;
    },
    deadline: () => (waiting.size === 0 ? undefined : nextMs),
    get size() {
      return waiting.size;
    },
  };
}
