import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createNode, type Node, type NodeEffect, type NodeOptions } from '../core/index.ts';
import { KIND_PRUNE } from '../core/wire/frame.ts';
import { Problem } from '../runtime/problem.ts';
import { type CampaignResult, runCampaign } from './campaign.ts';
import { type Failure, readFailure, replayFailure, writeFailure } from './failure.ts';
import { GENERATOR_NAMES, type GeneratorName } from './generators.ts';
import { BYSTANDER_LINK, type MakeNode } from './subject.ts';

function run(
  only: GeneratorName,
  inputs: number,
  makeNode?: MakeNode,
): { readonly result: CampaignResult; readonly failures: readonly Failure[] } {
  const failures: Failure[] = [];
  const onFailure = (failure: Failure): void => {
    failures.push(failure);
  };
  const result = runCampaign({ inputs, seed: '0102', only, onFailure, ...(makeNode === undefined ? {} : { makeNode }) });
  return { result, failures };
}

/** A node in whose place `handle` stands. */
function withHandle(handle: (node: Node, ...given: Parameters<Node['handle']>) => readonly NodeEffect[]): MakeNode {
  return (options: NodeOptions) => {
    const node = createNode(options);
    return { ...node, handle: (input, now) => handle(node, input, now) };
  };
}

/** Fails at the first plaintext that begins like a Prune of several origins, whose length takes two bytes. */
const throwsAtPrunes = withHandle((node, input, now) => {
  if (input.type === 'plaintext' && input.data.length > 100 && input.data[2] === KIND_PRUNE) throw new RangeError('a Prune');
  return node.handle(input, now);
});

/** Forgets the bystander's answers once ten inputs have come. */
function starving(): MakeNode {
  let inputs = 0;
  return withHandle((node, input, now) => {
    inputs += 1;
    const effects = node.handle(input, now);
    return inputs < 10 ? effects : effects.filter((effect) => effect.type !== 'plaintext' || effect.link !== BYSTANDER_LINK);
  });
}

describe('the core under fuzz', () => {
  test.each(GENERATOR_NAMES)('CNV-014: %s neither make the node throw nor keep it from serving a bystander', (name) => {
    const { result, failures } = run(name, 1200);
    expect(failures).toEqual([]);
    expect([result.inputs >= 1200, result.throws, result.starved, result.isCutShort]).toEqual([true, 0, 0, false]);
  });
});

describe('the fuzzer', () => {
  test('the same seed gives the same inputs', () => {
    const traces = [0, 1].map(() => {
      const trace: string[] = [];
      const record = withHandle((node, input, now) => {
        trace.push(JSON.stringify([now, input]));
        return node.handle(input, now);
      });
      run('sequences', 600, record);
      return trace;
    });
    expect(traces[0]).toEqual(traces[1]);
    expect(traces[0]?.length).toBeGreaterThan(600);
  });

  test('a throw is counted, and its file makes the node throw again at the same input', () => {
    const { result, failures } = run('bodies', 2000, throwsAtPrunes);
    expect(result.throws).toBeGreaterThan(0);
    const [failure] = failures;
    if (failure === undefined) throw new Error('nothing failed');
    expect(failure.fault).toMatchObject({ kind: 'throw', message: expect.stringContaining('RangeError: a Prune') });

    const directory = mkdtempSync(join(tmpdir(), 'carillon-fuzz-'));
    try {
      const read = readFailure(writeFailure(directory, 1, failure));
      expect(read).toEqual(failure);
      expect(replayFailure(read, throwsAtPrunes)).toMatchObject({ kind: 'throw' });
      expect(replayFailure(read)).toBeUndefined();
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test('a bystander without its Pong is counted as starved', () => {
    const { result, failures } = run('frames', 400, starving());
    expect(result.throws).toBe(0);
    expect(result.starved).toBeGreaterThan(0);
    const [failure] = failures;
    expect(failure?.fault.message).toContain('got no Pong');
    expect(failure && replayFailure(failure, starving())).toMatchObject({ kind: 'starved' });
  });

  test('a node whose deadline does not move is counted as starved', () => {
    const stuck: MakeNode = (options) => ({ ...createNode(options), deadline: () => 0 });
    expect(run('bytes', 100, stuck).result.starved).toBeGreaterThan(0);
  });

  test('a file that is no failure is refused with what to do', () => {
    expect(() => readFailure('package.json')).toThrow(Problem);
    expect(() => readFailure('package.json')).toThrow(/E_FILE: package.json: expected a failure that fuzz wrote/);
  });
});
