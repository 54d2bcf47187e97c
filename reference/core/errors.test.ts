import { expect, test } from 'vitest';
import { assertNever, invariant } from './errors.ts';

test('a broken invariant says what was to hold', () => {
  expect(() => invariant(0 > 1, 'zero is above one')).toThrow('invariant broken: zero is above one');
  expect(() => invariant(1, 'one')).not.toThrow();
});

test('a case that nobody handled is shown, 64-bit numbers included', () => {
  expect(() => assertNever({ type: 'new', value: 5n } as never)).toThrow('case not handled: {"type":"new","value":"5"}');
});
