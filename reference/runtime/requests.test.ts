import { describe, expect, test } from 'vitest';
import type { LocalOutcome, LocalRequest } from '../core/machine.ts';
import { REQUESTS_WAITING_MAX } from './limits.ts';
import { createRequests } from './requests.ts';

const LIST: LocalRequest = { type: 'records.list' } as LocalRequest;
const OUTCOME = { type: 'records.list' } as LocalOutcome;

describe('requests of the application', () => {
  test('get the outcome with their token', async () => {
    const asked: number[] = [];
    const requests = createRequests((token) => asked.push(token) > 0);
    const [first, second] = [requests.ask(LIST), requests.ask(LIST)];
    expect(requests.settle(asked[1] ?? 0, OUTCOME)).toBe(true);
    expect(await second).toBe(OUTCOME);
    expect(requests.settle(asked[1] ?? 0, OUTCOME)).toBe(false);
    expect(requests.waiting()).toBe(1);
    requests.stop();
    await expect(first).rejects.toThrow('the node has stopped');
    await expect(requests.ask(LIST)).rejects.toThrow('the node has stopped');
  });

  test('are refused beyond the bound, and when the core takes nothing', async () => {
    const requests = createRequests(() => true);
    const waiting = Array.from({ length: REQUESTS_WAITING_MAX }, () => requests.ask(LIST));
    await expect(requests.ask(LIST)).rejects.toThrow('await some');
    requests.stop();
    await Promise.allSettled(waiting);
    await expect(createRequests(() => false).ask(LIST)).rejects.toThrow('ask more slowly');
  });
});
