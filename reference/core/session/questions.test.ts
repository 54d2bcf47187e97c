import { describe, expect, test } from 'vitest';
import type { AskId } from '../types.ts';
import { encodeFrame, KIND_PING, KIND_PONG, readFrame } from '../wire/frame.ts';
import { addQuestion, createQuestions, isAwaited, questionsDeadlineMs, takeAnswer, takeUnanswered } from './questions.ts';
import { createTestSessions, joinSessions, linkOf, only } from './session.fixture.ts';

const ask = (number: number): AskId => number as AskId;

describe('questions of one session', () => {
  test('WIR-034: request ids are fresh, and none is one of a Ping', () => {
    const questions = createQuestions();
    const ids = Array.from({ length: 8 }, (_, index) =>
      addQuestion(questions, { ask: ask(index), kind: 70, replyKind: 72, deadlineMs: 100 + index }, 8),
    );
    expect(new Set(ids).size).toBe(8);
    expect(ids.every((id) => id !== undefined && id >= 2 ** 31 && id < 2 ** 32)).toBe(true);
    expect(addQuestion(questions, { ask: ask(9), kind: 70, replyKind: 72, deadlineMs: 1 }, 8)).toBeUndefined();
    expect(questionsDeadlineMs(questions)).toBe(100);
  });

  test('WIR-032: a reply counts once, and only of the kind that was asked for', () => {
    const questions = createQuestions();
    const id = addQuestion(questions, { ask: ask(1), kind: 70, replyKind: 72, deadlineMs: 5 }, 8) ?? 0;
    expect(isAwaited(questions, 74, id)).toBe(false);
    expect(isAwaited(questions, 72, id)).toBe(true);
    expect(takeAnswer(questions, id)).toBe(ask(1));
    expect(isAwaited(questions, 72, id)).toBe(false);
  });

  test('each question ends once', () => {
    const questions = createQuestions();
    addQuestion(questions, { ask: ask(1), kind: 70, replyKind: 72, deadlineMs: 5 }, 8);
    addQuestion(questions, { ask: ask(2), kind: 74, replyKind: 76, deadlineMs: 9 }, 8);
    expect(takeUnanswered(questions, (at) => at <= 5)).toEqual([{ ask: 1, kind: 70 }]);
    expect(takeUnanswered(questions, () => true)).toEqual([{ ask: 2, kind: 74 }]);
    expect(questionsDeadlineMs(questions)).toBeUndefined();
  });
});

describe('questions through a session', () => {
  test('the answer comes back with the name of the question; a session that ends leaves none open', () => {
    const a = createTestSessions('a');
    const b = createTestSessions('b');
    joinSessions(a, 1, b, 1);
    // Ping is the one request that every revision has.
    a.give({
      type: 'ask',
      ask: ask(7),
      link: linkOf(1),
      kind: KIND_PING,
      body: new Uint8Array([10, 8, 1, 2, 3, 4, 5, 6, 7, 8]),
      timeoutMs: 500,
    });
    expect(only(a.log, 'unanswered')).toEqual([]);
    a.advance(499);
    expect(only(a.log, 'unanswered')).toEqual([]);
    a.advance(1);
    expect(only(a.log, 'unanswered')).toMatchObject([{ ask: 7, kind: KIND_PING, atMs: 500 }]);
    a.give({
      type: 'ask',
      ask: ask(8),
      link: linkOf(1),
      kind: KIND_PING,
      body: new Uint8Array([10, 8, 1, 2, 3, 4, 5, 6, 7, 8]),
      timeoutMs: 500,
    });
    a.give({ type: 'linkClosed', link: linkOf(1) });
    expect(only(a.log, 'unanswered')).toMatchObject([{ ask: 7 }, { ask: 8 }]);
    a.give({ type: 'ask', ask: ask(9), link: linkOf(1), kind: KIND_PING, body: new Uint8Array(0), timeoutMs: 500 });
    expect(only(a.log, 'unanswered').at(-1)).toMatchObject({ ask: 9 });
    expect(readFrame(encodeFrame(KIND_PONG, 2 ** 31, new Uint8Array(0)), 0)).toMatchObject({ ok: true, requestId: 2 ** 31 });
  });
});
