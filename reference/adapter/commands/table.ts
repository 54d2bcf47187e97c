/**
 * How a noun's requests, outcomes and notices look to a kit: names, and bytes in the notation of
 * Evaluate. A command has the name of its request type. Spec: chapter 23, "Commands"
 */
import { fromHex } from '../../core/bytes.ts';
import type { LocalNotice, LocalOutcome, LocalRequest } from '../../core/machine.ts';
import type { ErrorName } from '../../core/types.ts';
import type { Arguments } from '../arguments.ts';

/** What an Outcome effect carries: values, or an error. */
export type OutcomeValues = { readonly values: readonly Uint8Array[] } | { readonly error: ErrorName };

interface Typed {
  readonly type: string;
}

/** One noun's table; the type sees to it that no request, outcome or notice is left out. */
export interface CommandTable<Request extends Typed, Outcome extends Typed, Notice extends Typed> {
  /** Reads the arguments; throws `RefusedArguments` when they make no request. */
  readonly requests: { readonly [T in Request['type']]: (args: Arguments) => Extract<Request, { readonly type: T }> };
  readonly outcomes: { readonly [T in Outcome['type']]: (outcome: Extract<Outcome, { readonly type: T }>) => OutcomeValues };
  readonly notices: { readonly [T in Notice['type']]: (notice: Extract<Notice, { readonly type: T }>) => readonly Uint8Array[] };
}

/** A table whose entries are found by name. */
export interface NamedCommands {
  readonly requests: Readonly<Record<string, (args: Arguments) => LocalRequest>>;
  readonly outcomes: Readonly<Record<string, (outcome: LocalOutcome) => OutcomeValues>>;
  readonly notices: Readonly<Record<string, (notice: LocalNotice) => readonly Uint8Array[]>>;
}

/** A noun's table for `commands/index.ts`; every entry is only ever given what has its name. */
export function defineCommands<Request extends Typed, Outcome extends Typed, Notice extends Typed>(
  table: CommandTable<Request, Outcome, Notice>,
): NamedCommands {
  return table as unknown as NamedCommands;
}

/** Bytes of a PeerId, a message id or another id in hexadecimal. */
export function idBytes(id: string): Uint8Array {
  return fromHex(id) ?? new Uint8Array(0);
}
