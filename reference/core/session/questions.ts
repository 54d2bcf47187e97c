/** Questions of other machines that wait for their answers on one session: request ids, deadlines, one end for each. Spec: WIR-030 to WIR-034 */
import type { AskId, MonoMs } from '../types.ts';

/** A question that has been put. */
interface Question {
  readonly ask: AskId;
  readonly kind: number;
  readonly replyKind: number;
  readonly deadlineMs: MonoMs;
}

/** The questions of one session, by request id. */
export interface Questions {
  readonly waiting: Map<number, Question>;
  next: number;
}

/** Request ids of questions lie in the upper half, those of Pings begin at 1: the two never meet (WIR-034). */
const FIRST_ID = 2 ** 31;
const IDS = 2 ** 31;

/** Nothing is asked yet. */
export function createQuestions(): Questions {
  return { waiting: new Map(), next: 0 };
}

/** Takes a question in and gives its request id, or undefined when `countMax` wait already. */
export function addQuestion(
  questions: Questions,
  question: { readonly ask: AskId; readonly kind: number; readonly replyKind: number; readonly deadlineMs: MonoMs },
  countMax: number,
): number | undefined {
  if (questions.waiting.size >= countMax) return undefined;
  let requestId = FIRST_ID + questions.next;
  // At most `countMax` are taken, so this ends.
  while (questions.waiting.has(requestId)) {
    questions.next = (questions.next + 1) % IDS;
    requestId = FIRST_ID + questions.next;
  }
  questions.next = (questions.next + 1) % IDS;
  questions.waiting.set(requestId, question);
  return requestId;
}

/** Whether a reply of this kind with this request id has been asked for. */
export function isAwaited(questions: Questions, replyKind: number, requestId: number): boolean {
  return questions.waiting.get(requestId)?.replyKind === replyKind;
}

/** Ends a question with its answer. */
export function takeAnswer(questions: Questions, requestId: number): AskId | undefined {
  const question = questions.waiting.get(requestId);
  questions.waiting.delete(requestId);
  return question?.ask;
}

/** Ends every question whose time is over, in the order in which they were put; all of them when the session is over. */
export function takeUnanswered(
  questions: Questions,
  isOver: (deadlineMs: MonoMs) => boolean,
): readonly { readonly ask: AskId; readonly kind: number }[] {
  const over: { ask: AskId; kind: number }[] = [];
  for (const [requestId, { ask, kind, deadlineMs }] of [...questions.waiting]) {
    if (!isOver(deadlineMs)) continue;
    questions.waiting.delete(requestId);
    over.push({ ask, kind });
  }
  return over;
}

/** When the next question runs out of time, or undefined when none waits. */
export function questionsDeadlineMs(questions: Questions): MonoMs | undefined {
  let next: MonoMs | undefined;
  for (const { deadlineMs } of questions.waiting.values()) {
    if (next === undefined || deadlineMs < next) next = deadlineMs;
  }
  return next;
}
