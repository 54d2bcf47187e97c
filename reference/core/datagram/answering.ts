/** Questions of others that a chapter's machine is to answer: handed over, and soon forgotten. Spec: chapter 03, WIR-120, WIR-154 */
import type { DatagramHandle } from '../machine.ts';
import type { Params } from '../params.ts';
import type { Endpoint, MonoMs } from '../types.ts';
import type { FrameKind } from '../wire/frame.ts';

/** What is needed to answer. */
export interface Asked {
  readonly from: Endpoint;
  readonly row: FrameKind;
  readonly requestId: number;
  readonly cookie: Uint8Array;
  /** Bytes of the question's datagram. */
  readonly bytes: number;
  readonly proven: boolean;
  readonly atMs: MonoMs;
}

/** The questions that were handed over, oldest first. */
export interface AskedQuestions {
  /** Remembers a question for `session.reaction_ms_max`; the oldest goes when there are `datagram.questions_max`. */
  add(asked: Asked): DatagramHandle;
  /** Takes a question out, once; undefined when it is too late. */
  take(handle: DatagramHandle, nowMs: MonoMs): Asked | undefined;
  readonly size: number;
}

/** Nobody has asked. */
export function createAskedQuestions(params: Params): AskedQuestions {
  const asked = new Map<DatagramHandle, Asked>();
  let handles = 0;

  function isLate(question: Asked, nowMs: MonoMs): boolean {
    return nowMs - question.atMs > params['session.reaction_ms_max'];
  }

  return {
    add(question) {
      for (const [handle, other] of asked) {
        if (asked.size < params['datagram.questions_max'] && !isLate(other, question.atMs)) break;
        asked.delete(handle);
      }
      handles += 1;
      const handle = handles as DatagramHandle;
      asked.set(handle, question);
      return handle;
    },
    take(handle, nowMs) {
      const question = asked.get(handle);
      asked.delete(handle);
      return question === undefined || isLate(question, nowMs) ? undefined : question;
    },
    get size() {
      return asked.size;
    },
  };
}
