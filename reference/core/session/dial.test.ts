import { expect, test } from 'vitest';
import type { PeerId } from '../types.ts';
import { createDialBook, dialDeadlineMs, rememberAnswer, requestDial, setPeerRest, settleDial, takeDueDials } from './dial.ts';

const peer = (number: number): PeerId => number.toString(16).padStart(64, '0') as PeerId;
const target = (address: string, expected?: PeerId) => ({ address, expected });

test('SES-071: the last GoAway counts, whether it asks for more or for less', () => {
  const book = createDialBook();
  setPeerRest(book, peer(1), 'a', 1000, 0);
  setPeerRest(book, peer(1), 'a', 500, 0);
  expect(requestDial(book, target('a'), 499)).toBeUndefined();
  expect(requestDial(book, target('a'), 500)).toBe(1);
  setPeerRest(book, peer(1), undefined, 2000, 500);
  expect(requestDial(book, target('b', peer(1)), 1999)).toBeUndefined();
  expect(requestDial(book, target('b', peer(1)), 2000)).toBe(2);
});

test('SES-071: a rest that is taken back frees the wish at once', () => {
  const book = createDialBook();
  setPeerRest(book, peer(1), undefined, 1000, 0);
  requestDial(book, target('a', peer(1)), 0);
  expect(dialDeadlineMs(book)).toBe(1000);
  setPeerRest(book, peer(1), undefined, 10, 10);
  expect(dialDeadlineMs(book)).toBe(0);
  expect(takeDueDials(book, 10)).toEqual([{ dial: 1, address: 'a' }]);
  expect(dialDeadlineMs(book)).toBeUndefined();
});

test('SES-071: a rest that grows while a wish waits holds the wish back', () => {
  const book = createDialBook();
  setPeerRest(book, peer(1), undefined, 1000, 0);
  requestDial(book, target('a', peer(1)), 0);
  setPeerRest(book, peer(1), undefined, 3000, 900);
  expect(takeDueDials(book, 1000)).toEqual([]);
  expect(takeDueDials(book, 3000)).toHaveLength(1);
});

test('wishes for one address become one dial, for whoever was named last', () => {
  const book = createDialBook();
  setPeerRest(book, peer(1), 'a', 1000, 0);
  requestDial(book, target('a', peer(1)), 0);
  requestDial(book, target('a', peer(2)), 0);
  expect(takeDueDials(book, 1000)).toEqual([{ dial: 1, address: 'a' }]);
  expect(settleDial(book, 1)).toEqual(target('a', peer(2)));
  expect(settleDial(book, 1)).toBeUndefined();
});

test('every map is bounded', () => {
  const book = createDialBook();
  for (let number = 0; number < 6000; number++) {
    requestDial(book, target(`x${number}`), 0);
    rememberAnswer(book, `a${number}`, peer(number));
    setPeerRest(book, peer(number), `r${number}`, 10_000 - number, 0);
    requestDial(book, target(`r${number}`), 0);
  }
  expect(book.pending.size).toBeLessThanOrEqual(1024);
  expect(book.deferred.size).toBeLessThanOrEqual(1024);
  expect(book.answeredBy.size).toBe(4096);
  expect(book.restOfPeer.size).toBe(4096);
  expect(book.restOfAddress.size).toBe(4096);
  // The rest that is over first goes first, so the longest are kept.
  expect(book.restOfPeer.has(peer(0))).toBe(true);
});
