/** Requests of the application that wait for what the core makes of them. */
import type { LocalOutcome, LocalRequest } from '../core/machine.ts';
import { REQUESTS_WAITING_MAX } from './limits.ts';

/** The chapter that a request or an outcome belongs to: what stands before the dot. */
type NounOf<T extends string> = T extends `${infer Noun}.${string}` ? Noun : never;

/** What may become of a request: the outcomes of its chapter. */
export type OutcomeOf<R extends LocalRequest> = Extract<LocalOutcome, { readonly type: `${NounOf<R['type']>}.${string}` }>;

/** Requests by token. */
export interface Requests {
  /** Hands a request to the core; resolves with its outcome. Rejects when too many wait, or the node stops first. */
  ask<R extends LocalRequest>(request: R): Promise<OutcomeOf<R>>;
  /** Takes an outcome of the core; true when somebody waited for it. */
  settle(token: number, outcome: LocalOutcome): boolean;
  waiting(): number;
  /** Rejects what waits. */
  stop(): void;
}

interface Waiting {
  readonly resolve: (outcome: LocalOutcome) => void;
  readonly reject: (error: Error) => void;
}

/** Nobody waits. `submit` hands a request to the core, and is false when the core cannot take it. */
export function createRequests(submit: (token: number, request: LocalRequest) => boolean): Requests {
  const waiting = new Map<number, Waiting>();
  let nextToken = 1;
  let isStopped = false;

  function ask(request: LocalRequest): Promise<LocalOutcome> {
    return new Promise((resolve, reject) => {
      if (isStopped) {
        reject(new Error('the node has stopped'));
        return;
      }
      if (waiting.size >= REQUESTS_WAITING_MAX) {
        reject(new Error(`${REQUESTS_WAITING_MAX} requests wait already; await some before asking for more`));
        return;
      }
      const token = nextToken;
      nextToken += 1;
      waiting.set(token, { resolve, reject });
      if (submit(token, request)) return;
      waiting.delete(token);
      reject(new Error('too many inputs wait; ask more slowly'));
    });
  }

  return {
    ask: ask as Requests['ask'],
    settle: (token, outcome) => {
      const entry = waiting.get(token);
      waiting.delete(token);
      entry?.resolve(outcome);
      return entry !== undefined;
    },
    waiting: () => waiting.size,
    stop: () => {
      isStopped = true;
      for (const { reject } of waiting.values()) reject(new Error('the node has stopped'));
      waiting.clear();
    },
  };
}
