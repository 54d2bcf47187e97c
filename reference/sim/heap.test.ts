import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EventHeap } from './heap.ts';

describe('the event heap', () => {
  test('equal times come out as they went in', () => {
    const heap = new EventHeap<string>();
    for (const item of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) heap.push(5, item);
    heap.push(1, 'first');
    expect(Array.from({ length: 8 }, () => heap.pop()?.item).join(' ')).toBe('first a b c d e f g');
    expect(heap.pop()).toBeUndefined();
    expect(heap.nextTime).toBeUndefined();
  });

  test('is a stable sort by time, whatever is pushed and popped between', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.integer({ min: 0, max: 20 }), fc.constant('pop' as const)), { maxLength: 400 }), (steps) => {
        const heap = new EventHeap<number>();
        let model: { time: number; item: number }[] = [];
        for (const [item, step] of steps.entries()) {
          if (step !== 'pop') {
            heap.push(step, item);
            model.push({ time: step, item });
            continue;
          }
          model = model.sort((a, b) => a.time - b.time || a.item - b.item);
          expect(heap.nextTime).toBe(model[0]?.time);
          expect(heap.pop()).toEqual(model.shift());
        }
        expect(heap.size).toBe(model.length);
      }),
    );
  });
});
