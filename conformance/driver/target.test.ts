import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { readSpec } from '../clauses/spec.ts';
import { TargetError } from './errors.ts';
import { executePlan } from './execute.ts';
import type { Plan } from './plan.ts';
import { openTarget, SPEC_VERSION, type Target } from './target.ts';
import { listenToy, type ToyQuirks } from './testing/toy-adapter.ts';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

const toyCommand = `${process.execPath} ${fileURLToPath(new URL('./testing/toy-main.ts', import.meta.url))}`;
const plan: Plan = { setup: {}, steps: [{ op: 'open', link: 1, peer: 'alice', mode: 'session' }] };
const options = { seed: 's', runId: 'r' };

async function openExec(toy: string): Promise<Target> {
  const target = await openTarget({ type: 'exec', command: toyCommand, env: { TOY: toy } });
  closers.push(() => target.close());
  return target;
}

async function openListening(quirks: ToyQuirks): Promise<Target> {
  const server = await listenToy(quirks);
  closers.push(() => server.close());
  const target = await openTarget({ type: 'listening', address: server.address });
  closers.push(() => target.close());
  return target;
}

async function errorOf(work: Promise<unknown>): Promise<TargetError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof TargetError) return error;
  throw new Error(`expected a TargetError, found ${String(error)}`);
}

test('the spec version is that of the chapters', () => {
  expect(readSpec(fileURLToPath(new URL('../../spec', import.meta.url))).revision).toBe(SPEC_VERSION);
});

describe('a listening target', () => {
  test('is greeted; another one after restart', async () => {
    const target = await openListening({});
    expect(target.hello.name).toBe('toy');
    const { connection } = target;
    await target.restart();
    expect(target.connection).not.toBe(connection);
    expect((await executePlan(target, plan, options)).events.some(({ type }) => type === 'sessionUp')).toBe(true);
  });

  test('of another spec version is incompatible', async () => {
    const error = await errorOf(openListening({ specVersion: '9.9' }));
    expect(error.code).toBe('E_INCOMPATIBLE');
    expect(error.message).toContain('9.9');
  });

  test('an address of no known form is unreachable and says what to give', async () => {
    const error = await errorOf(openTarget({ type: 'listening', address: 'localhost:80' }));
    expect(error.code).toBe('E_UNREACHABLE');
    expect(error.message).toContain('tcp://HOST:PORT');
  });
});

describe('a started target', () => {
  test('connects back, works, and is gone after close', async () => {
    const target = await openExec('');
    expect((await executePlan(target, plan, options)).events.some(({ type }) => type === 'sessionUp')).toBe(true);
    await target.restart();
    expect(target.hello.name).toBe('toy');
    await target.close();
    expect(
      (
        await errorOf(
          target.connection.request({
            case: 'hello',
            value: { $typeName: 'carillon.adapter.v1.HelloRequest', adapterVersion: 1, specVersion: '' },
          }),
        )
      ).code,
    ).toBe('E_UNREACHABLE');
  });

  test('that ends at once is unreachable, with its exit code and last words', async () => {
    const error = await errorOf(openExec('exit'));
    expect(error.code).toBe('E_UNREACHABLE');
    expect(error.message).toMatch(/exit code 3.*toy: no configuration/);
  });

  test('that dies midway is crashed, with step, exit code and last words, and can be started again', async () => {
    const target = await openExec('die');
    const error = await errorOf(executePlan(target, plan, options));
    expect(error.code).toBe('E_CRASHED');
    expect(error.message).toMatch(/in step 0 \(open\).*exit code 9.*about to die/);
    await target.restart();
    expect(target.connection.fault).toBeUndefined();
  });

  test('a command that does not exist is unreachable', async () => {
    const error = await errorOf(openTarget({ type: 'exec', command: '/nonexistent/adapter' }));
    expect(error.code).toBe('E_UNREACHABLE');
    expect(error.message).toContain('127');
  });
});
