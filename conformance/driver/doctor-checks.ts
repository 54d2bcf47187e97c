/** The single checks of `carillon doctor`, in the order in which they run. */
import { create } from '@bufbuild/protobuf';
import {
  Clock,
  CrashRequestSchema,
  QueryRequestSchema,
  Randomness,
  RestartRequestSchema,
  Until,
} from '../../proto/gen/carillon/adapter/v1/adapter_pb.ts';
import { presetBreaches } from '../model/relations.ts';
import { COMMAND_CHECKS } from './doctor-commands.ts';
import {
  advanceOp,
  closedOp,
  createOp,
  type DoctorCheck,
  type DoctorContext,
  declaredMode,
  describe,
  destroyOp,
  evaluateOp,
  expectAll,
  type Finding,
  fail,
  hasNode,
  helloOp,
  NO_NODE,
  notApplicable,
  openOp,
  pass,
  remove,
  step,
  withNode,
} from './doctor-kit.ts';
import { executePlan, PRESET } from './execute.ts';
import type { Plan } from './plan.ts';
import type { Target } from './target.ts';
import type { Trace } from './trace.ts';

const HOUR_MS = 3_600_000;
/** Longest real time for an hour of virtual time. */
const HOUR_REAL_MS_MAX = 10_000;

/** A session, a push, a Ping and some time: enough for a node to show whether it repeats itself. */
const ORDINARY_PLAN: Plan = {
  setup: {},
  steps: [
    { op: 'open', link: 1, peer: 'alice', mode: 'session' },
    { op: 'open', link: 2, peer: 'bob', mode: 'session' },
    { op: 'frames', link: 1, frames: [{ body: { type: 'Ping', nonce: '0102030405060708' } }] },
    {
      op: 'frames',
      link: 1,
      frames: [
        {
          body: {
            type: 'Push',
            topic: 'app/doctor',
            items: [{ hops: 0, envelope: { origin: 'alice', topic: 'app/doctor', ageMs: 0, sequence: 1, data: '61', name: 'one' } }],
          },
        },
      ],
    },
    { op: 'advance', ms: 40_000 },
  ],
};

function log(trace: Trace): string {
  return JSON.stringify(trace.events, (_, value: unknown) => (typeof value === 'bigint' ? `${value}` : value));
}

function ordinary(target: Target): Promise<Trace> {
  return executePlan(target, ORDINARY_PLAN, { seed: 'doctor', runId: 'doctor' });
}

function firstDifference(one: Trace, other: Trace): string {
  const index = one.events.findIndex(
    (event, i) => log({ ...one, events: [event] }) !== log({ ...other, events: other.events.slice(i, i + 1) }),
  );
  const at = index < 0 ? Math.min(one.events.length, other.events.length) : index;
  const show = (trace: Trace): string => {
    const event = trace.events[at];
    return event === undefined ? 'nothing' : log({ ...trace, events: [event] }).slice(1, 160);
  };
  return `event ${at} differs: ${show(one)} and ${show(other)}`;
}

/** Every check of the doctor. */
export const DOCTOR_CHECKS: readonly DoctorCheck[] = [
  {
    id: 'hello.declares',
    clause: 'chapter 23',
    title: 'Hello declares a class, a way to drive the node and a protocol capability',
    advice: 'Fill conformance_class and capabilities of HelloResponse as chapter 23 lists them.',
    run: async ({ target }) => {
      const { conformanceClass, capabilities, clock, functions } = target.hello;
      if (!['app', 'full', 'validator'].includes(conformanceClass)) return fail(`conformance_class is "${conformanceClass}"`);
      if (new Set(capabilities).size !== capabilities.length) return fail('a capability is declared twice');
      if (clock === Clock.NONE) return functions.length > 0 ? pass('Evaluate only') : fail('neither a node nor a function to evaluate');
      if (declaredMode(target) === undefined) return fail('neither "raw" nor "established" is declared');
      if (!capabilities.includes('gossip/1') && !capabilities.includes('direct/1'))
        return fail('neither "gossip/1" nor "direct/1" is declared');
      return pass(`class ${conformanceClass}, ${capabilities.join(' ')}`);
    },
  },
  {
    id: 'framing.split',
    clause: 'CNF-001',
    title: 'A request that arrives byte by byte is answered',
    advice: 'Collect bytes until the 4-byte length and the whole message are there; a read is not a message.',
    run: async ({ target }) => {
      if (target.connection.kind !== 'stream') return notApplicable('WebSocket keeps messages whole');
      await target.connection.requestTogether([{ id: 7_001n, op: helloOp() }], 1);
      return pass('one answer');
    },
  },
  {
    id: 'framing.coalesced',
    clause: 'CNF-001',
    title: 'Requests that arrive in one packet are each answered, in order',
    advice: 'After a message look for the next one in the same buffer, and answer in order.',
    run: async ({ target }) => {
      if (target.connection.kind !== 'stream') return notApplicable('WebSocket keeps messages apart');
      const requests = [7_010n, 7_003n, 18_446_744_073_709_551_615n, 7_004n].map((id) => ({ id, op: helloOp() }));
      const answers = await target.connection.requestTogether(requests);
      return answers.every(({ case: kind }) => kind === 'hello') ? pass('four answers in order') : fail(answers.map(describe).join(', '));
    },
  },
  {
    id: 'ids.repeated',
    clause: 'CNF-001',
    title: 'Two requests with the same id get one answer each',
    advice: 'Take the id as a label to repeat, not as a key to look up.',
    run: async ({ target }) => {
      if (target.connection.kind !== 'stream') return notApplicable('the kit repeats ids over streams only');
      const answers = await target.connection.requestTogether([
        { id: 7_020n, op: helloOp() },
        { id: 7_020n, op: undefined },
      ]);
      const kinds = answers.map((answer) => answer.case);
      return kinds[0] === 'hello' && kinds[1] === 'unsupported' ? pass('two answers') : fail(answers.map(describe).join(', '));
    },
  },
  {
    id: 'request.unknown',
    clause: 'CNF-002',
    title: 'A request that the adapter does not know is answered unsupported',
    advice: 'Answer Unsupported when `op` is empty after decoding, and keep the connection.',
    run: async ({ target }) => {
      const result = await target.connection.requestUnknown();
      if (result.case !== 'unsupported') return fail(`answered ${describe(result)}`);
      const next = await target.request(helloOp());
      return next.case === 'hello'
        ? pass('unsupported, and the connection goes on')
        : fail(`the next Hello was answered ${describe(next)}`);
    },
  },
  {
    id: 'evaluate.unknown',
    clause: 'CNF-002',
    title: 'Evaluate of a function that nobody knows is answered unsupported',
    advice: 'Answer Unsupported for every function that Hello does not list.',
    run: ({ target }) => expectAll(target, ['unsupported'], [['Evaluate of none.such', evaluateOp('none.such', [])]]),
  },
  {
    id: 'evaluate.arguments',
    clause: 'CNF-009',
    title: 'Evaluate with wrong arguments in number or size is answered refused',
    advice: 'Check the number and the sizes of the arguments before the function runs, and answer Refused.',
    run: async ({ target }) => {
      const cases: readonly (readonly [string, readonly Uint8Array[]])[] = [
        ['sha256', []],
        ['sha256', [new Uint8Array(1), new Uint8Array(1)]],
        ['ed25519.public_key', [new Uint8Array(31)]],
        ['ed25519.verify', [new Uint8Array(32)]],
        ['uvarint.encode', [new Uint8Array(7)]],
        ['x25519', [new Uint8Array(32), new Uint8Array(33)]],
      ];
      const known = cases.filter(([name]) => target.hello.functions.includes(name));
      if (known.length === 0) return notApplicable('the adapter evaluates none of the functions that this asks for');
      return expectAll(
        target,
        ['refused'],
        known.map(([name, args]) => [`${name} with ${args.length} arguments`, evaluateOp(name, args)]),
      );
    },
  },
  {
    id: 'node.unknown',
    clause: 'CNF-003',
    title: 'A request for a node that does not exist is answered refused',
    advice: 'Look the node up first; answer Refused and change nothing.',
    run: async (context) => {
      if (!hasNode(context)) return NO_NODE;
      const { target } = context;
      const node = target.nextNode();
      return expectAll(
        target,
        ['refused'],
        [
          ['Advance', advanceOp(node, 10)],
          ['Open', openOp(node, 1, declaredMode(target) ?? 'raw')],
          ['Input', closedOp(node, 1)],
          ['Destroy', destroyOp(node)],
        ],
      );
    },
  },
  {
    id: 'link.unknown',
    clause: 'CNF-003',
    title: 'An input for a link that does not exist is answered refused',
    advice: 'Look the link up first; answer Refused and change nothing.',
    run: async (context) => {
      if (!hasNode(context)) return NO_NODE;
      return withNode(context, (node) => expectAll(context.target, ['refused'], [['Input for link 99', closedOp(node, 99)]]));
    },
  },
  {
    id: 'mode.undeclared',
    clause: 'CNF-002',
    title: 'A way of opening links that is not declared is answered unsupported',
    advice: 'Declare "raw" or "established" when you can do it, answer Unsupported when you cannot.',
    run: async (context) => {
      if (!hasNode(context)) return NO_NODE;
      const missing = (['raw', 'established'] as const).find((mode) => !context.target.hello.capabilities.includes(mode));
      if (missing === undefined) return notApplicable('both are declared');
      return withNode(context, (node) => expectAll(context.target, ['unsupported'], [[`Open ${missing}`, openOp(node, 1, missing)]]));
    },
  },
  {
    id: 'create.overrides',
    clause: 'CNF-008',
    title: 'Create refuses parameters that the node must refuse to start with',
    advice: 'Let the node check its configuration (PRM-001) and answer Refused with its message.',
    run: async (context) => {
      if (!hasNode(context)) return NO_NODE;
      const { target } = context;
      const cases: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
        ['an unknown name', { 'gossip.none_such': '1' }],
        ['a value out of range', { 'session.ping_interval_ms': '1' }],
        ['a value that is no number', { 'session.ping_interval_ms': 'soon' }],
        ['a broken relation', { 'session.half_open_per_address_max': '33' }],
      ];
      for (const [name, overrides] of cases) {
        const node = target.nextNode();
        const result = await target.request(createOp(node, overrides));
        if (result.case === 'step') await remove(target, node);
        if (result.case !== 'refused') return fail(`${name} was answered ${describe(result)}`);
      }
      return pass(`${cases.map(([name]) => name).join(', ')}: refused`);
    },
  },
  {
    id: 'create.relations',
    clause: 'CNF-008',
    title: 'Create refuses values that break any one relation of chapter 19',
    advice: 'Check every line of the table of relations (PRM-001) before the node starts, and answer Refused.',
    run: async (context) => {
      if (!hasNode(context)) return NO_NODE;
      const { target } = context;
      const breaches = presetBreaches(PRESET);
      for (const { relation, overrides } of breaches) {
        const node = target.nextNode();
        const result = await target.request(createOp(node, overrides));
        if (result.case === 'step') await remove(target, node);
        const what = Object.entries(overrides).map(([name, value]) => `${name} = ${value}`);
        if (result.case !== 'refused') return fail(`${what.join(', ')} breaks ${relation}, and was answered ${describe(result)}`);
      }
      return pass(`${breaches.length} relations: refused`);
    },
  },
  {
    id: 'clock.honest',
    clause: 'CNF-004',
    title: "An hour passes in a moment and every Ping of the node's session falls due on the way",
    advice: 'Give the node a clock that only Advance moves, and fire its timers one by one up to the stop.',
    run: async (context) => {
      if (!hasNode(context)) return NO_NODE;
      const { target } = context;
      if (target.hello.clock === Clock.WALL) return wallClock(context);
      const startMs = performance.now();
      const plan: Plan = {
        setup: {},
        steps: [
          { op: 'open', link: 1, peer: 'alice', mode: 'session' },
          { op: 'advance', ms: HOUR_MS },
        ],
      };
      const trace = await executePlan(target, plan, { seed: 'doctor', runId: 'clock' });
      const realMs = Math.round(performance.now() - startMs);
      const pings = trace.events.filter((event) => event.type === 'frame' && event.frame.body?.type === 'Ping').length;
      const interval = trace.parameters['session.ping_interval_ms'];
      const expected = Math.floor(HOUR_MS / (typeof interval === 'number' ? interval : HOUR_MS));
      const observed = `${pings} Pings in an hour of the node, ${realMs} ms of ours`;
      if (trace.endMs !== HOUR_MS) return fail(`${observed}; the clock stands at ${trace.endMs} ms`);
      if (pings < expected) return fail(`${observed}; at least ${expected} fall due`);
      return realMs <= HOUR_REAL_MS_MAX ? pass(observed) : fail(`${observed}; at most ${HOUR_REAL_MS_MAX} ms are honest`);
    },
  },
  {
    id: 'clock.stops',
    clause: 'CNF-004',
    title: 'Advance stops where it is told: at the first wake, or at the target',
    advice: 'For UNTIL_WAKE stop after the first due timer; for UNTIL_TARGET set the clock to to_ms at the end.',
    run: async (context) => {
      if (!hasNode(context)) return NO_NODE;
      if (context.target.hello.clock !== Clock.VIRTUAL) return notApplicable('the clock is not virtual');
      return withNode(context, async (node) => {
        const { target } = context;
        const at = step(await target.request(advanceOp(node, 1_234)), 'Advance');
        if (at.nowMs !== 1_234n) return fail(`Advance to 1234 ms left the clock at ${at.nowMs} ms`);
        const mode = declaredMode(target);
        if (mode === undefined) return pass('the clock stands at the target');
        const opened = step(await target.request(openOp(node, 1, mode)), 'Open');
        if (opened.nowMs !== 1_234n) return fail(`Open moved the clock to ${opened.nowMs} ms`);
        if (opened.nextWakeMs === undefined) return fail('a node with an open link names no next wake');
        const woken = step(await target.request(advanceOp(node, HOUR_MS, Until.WAKE)), 'Advance');
        return woken.nowMs === opened.nextWakeMs
          ? pass(`woke at ${woken.nowMs} ms as announced`)
          : fail(`the next wake was announced for ${opened.nextWakeMs} ms, Advance stopped at ${woken.nowMs} ms`);
      });
    },
  },
  {
    id: 'reset.clean',
    clause: 'CNF-006',
    title: 'Destroy leaves nothing behind: the same node can be made again and begins at 0',
    advice: 'Drop the node, its storage and its timers at Destroy; keep no state outside of the node.',
    run: async (context) => {
      if (!hasNode(context)) return NO_NODE;
      const { target } = context;
      const node = target.nextNode();
      try {
        for (const round of ['first', 'second']) {
          const problem = await lifeOf(target, node, round);
          if (problem !== undefined) return fail(problem);
        }
        return pass('made, opened and destroyed twice');
      } finally {
        await remove(target, node);
      }
    },
  },
  {
    id: 'reset.equal',
    clause: 'CNF-006',
    title: 'The same requests after Destroy give the same effects',
    advice: 'Look for caches, counters or random state that outlive a node.',
    run: async (context) => repeated(context, async () => undefined),
  },
  {
    id: 'seed.equal',
    clause: 'CNF-005',
    title: 'The same seed gives the same effects in another process or connection',
    advice: 'Draw every choice of the node from Create.seed, or declare RANDOMNESS_OWN.',
    run: async (context) => repeated(context, () => context.target.restart()),
  },
  {
    id: 'crash.restart',
    clause: 'CNF-010',
    title: 'Crash takes the links away, Restart brings the node back and its clock goes on',
    advice: 'At Crash drop volatile state and links; at Restart start from durable state at the present time.',
    run: async (context) => {
      const { target } = context;
      if (!target.hello.capabilities.includes('restart')) return notApplicable('"restart" is not declared');
      return withNode(context, async (node) => {
        const mode = declaredMode(target);
        if (mode !== undefined) step(await target.request(openOp(node, 1, mode)), 'Open');
        step(await target.request(advanceOp(node, 100)), 'Advance');
        step(await target.request({ case: 'crash', value: create(CrashRequestSchema, { node }) }), 'Crash');
        const back = step(await target.request({ case: 'restart', value: create(RestartRequestSchema, { node }) }), 'Restart');
        if (back.nowMs < 100n) return fail(`after Restart the clock stands at ${back.nowMs} ms, before the crash at 100 ms`);
        const gone = await target.request(closedOp(node, 1));
        if (gone.case !== 'refused') return fail(`after Restart an input for the old link was answered ${describe(gone)}`);
        return pass(`restarted at ${back.nowMs} ms`);
      });
    },
  },
  {
    id: 'views.unknown',
    clause: 'CNF-002',
    title: 'Query of a view that nobody knows is answered unsupported or refused',
    advice: 'Answer Unsupported for views that you do not have.',
    run: async (context) => {
      const { target } = context;
      if (!hasNode(context)) return NO_NODE;
      return withNode(context, (node) =>
        expectAll(
          target,
          ['unsupported', 'refused'],
          [['Query', { case: 'query', value: create(QueryRequestSchema, { node, view: 'none-such' }) }]],
        ),
      );
    },
  },
  ...COMMAND_CHECKS,
];

/** Makes, opens and destroys a node; what is wrong with it, or undefined. */
async function lifeOf(target: Target, node: number, round: string): Promise<string | undefined> {
  const mode = declaredMode(target);
  const made = step(await target.request(createOp(node)), `the ${round} Create`);
  // A wall clock may have ticked since.
  const isStart = target.hello.clock === Clock.WALL ? made.nowMs < 1_000n : made.nowMs === 0n;
  if (!isStart) return `the ${round} node begins at ${made.nowMs} ms`;
  if (mode !== undefined) step(await target.request(openOp(node, 1, mode)), `Open on the ${round} node`);
  step(await target.request(destroyOp(node)), `the ${round} Destroy`);
  const after = await target.request(closedOp(node, 1));
  return after.case === 'refused' ? undefined : `after Destroy an input was answered ${describe(after)}`;
}

async function wallClock(context: DoctorContext): Promise<Finding> {
  const waitMs = 300;
  return withNode(context, async (node) => {
    const startMs = performance.now();
    const { nowMs } = step(await context.target.request(advanceOp(node, waitMs)), 'Advance');
    const realMs = Math.round(performance.now() - startMs);
    const observed = `Advance to ${waitMs} ms took ${realMs} ms and set the clock to ${nowMs} ms`;
    return nowMs >= BigInt(waitMs) && realMs >= waitMs - 100 && realMs < waitMs + 2_000 ? pass(observed) : fail(observed);
  });
}

async function repeated(context: DoctorContext, between: () => Promise<void>): Promise<Finding> {
  const { target } = context;
  if (!hasNode(context)) return NO_NODE;
  if (target.hello.randomness !== Randomness.SEEDED) return notApplicable("the node's randomness is its own");
  if (target.hello.clock !== Clock.VIRTUAL) return notApplicable('the clock is not virtual');
  const one = await ordinary(target);
  await between();
  const other = await ordinary(target);
  return log(one) === log(other) ? pass(`${one.events.length} equal events`) : fail(firstDifference(one, other));
}
