/** The doctor's checks of commands: names that nobody knows, and one outcome for each that was taken. */
import { create } from '@bufbuild/protobuf';
import { Clock, CommandInputSchema, InputRequestSchema, type StepResponse } from '../../proto/gen/carillon/adapter/v1/adapter_pb.ts';
import type { RequestOp } from './connection.ts';
import {
  advanceOp,
  type DoctorCheck,
  describe,
  expectAll,
  fail,
  hasNode,
  NO_NODE,
  notApplicable,
  pass,
  step,
  withNode,
} from './doctor-kit.ts';

const commandOp = (node: number, token: number, command: string, args: readonly Uint8Array[] = []): RequestOp => ({
  case: 'input',
  value: create(InputRequestSchema, {
    node,
    input: { case: 'command', value: create(CommandInputSchema, { token: BigInt(token), command, args: [...args] }) },
  }),
});

/** How long a node may take over a command; no lookup of chapter 08 takes longer. */
const OUTCOME_MS = 300_000;
/** On a wall clock the doctor does not wait as long. */
const OUTCOME_WALL_MS = 5_000;

/** Arguments to try: none, and an id that nobody has. What a command cannot use it refuses. */
const TRIES: readonly (readonly Uint8Array[])[] = [[], [new Uint8Array(32).fill(0x5a)]];

const NOT_DECLARED = notApplicable('"commands" is not declared');

/** In the order in which they run. */
export const COMMAND_CHECKS: readonly DoctorCheck[] = [
  {
    id: 'commands.unknown',
    clause: 'CNF-012',
    title: 'A command that Hello does not name is answered unsupported',
    advice: 'Look a command up by its name before anything else, and answer Unsupported when it is not there.',
    run: async (context) => {
      if (!hasNode(context)) return NO_NODE;
      const { target } = context;
      if (!target.hello.capabilities.includes('commands')) return NOT_DECLARED;
      return withNode(context, (node) => expectAll(target, ['unsupported'], [['CommandInput', commandOp(node, 1, 'none.such')]]));
    },
  },
  {
    id: 'commands.outcome',
    clause: 'CNF-011',
    title: 'Each command that is taken has one outcome',
    advice: 'Report an Outcome effect with the token of every command, also when nothing came of it.',
    run: async (context) => {
      if (!hasNode(context)) return NO_NODE;
      const { target } = context;
      if (!target.hello.capabilities.includes('commands')) return NOT_DECLARED;
      return withNode(context, async (node) => {
        const waiting = new Map<bigint, string>();
        let count = 0;
        const settle = ({ effects }: StepResponse): string | undefined => {
          for (const { effect } of effects) {
            if (effect.case === 'outcome' && !waiting.delete(effect.value.token))
              return `an outcome for token ${effect.value.token}, which waits for none`;
          }
          return undefined;
        };
        for (const [index, [command, args]] of target.hello.commands
          .flatMap((name) => TRIES.map((args) => [name, args] as const))
          .entries()) {
          const token = index + 1;
          waiting.set(BigInt(token), command);
          const result = await target.request(commandOp(node, token, command, args));
          if (result.case !== 'refused' && result.case !== 'step')
            return fail(`${command}, which Hello names, was answered ${describe(result)}`);
          const fault = result.case === 'step' ? settle(result.value) : undefined;
          if (fault !== undefined) return fail(fault);
          if (result.case === 'refused') waiting.delete(BigInt(token));
          else count += 1;
        }
        const waitMs = target.hello.clock === Clock.WALL ? OUTCOME_WALL_MS : OUTCOME_MS;
        const fault = settle(step(await target.request(advanceOp(node, waitMs)), 'Advance'));
        if (fault !== undefined) return fail(fault);
        const left = [...new Set(waiting.values())];
        return left.length === 0
          ? pass(`${count} commands, ${count} outcomes`)
          : fail(`no outcome of ${left.join(', ')} within ${waitMs} ms`);
      });
    },
  },
];
