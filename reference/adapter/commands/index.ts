/** The commands of all nouns together. Each noun's file adds its line to `TABLES`. Spec: chapter 23, "Commands" */
import { invariant } from '../../core/errors.ts';
import type { LocalNotice, LocalOutcome, LocalRequest } from '../../core/machine.ts';
import { Arguments } from '../arguments.ts';
import { dhtCommands } from './dht.ts';
import { mempoolCommands } from './mempool.ts';
import { overlayCommands } from './overlay.ts';
import { reconciliationCommands } from './reconciliation.ts';
import { recordsCommands } from './records.ts';
import type { NamedCommands, OutcomeValues } from './table.ts';
import { topologyCommands } from './topology.ts';

const TABLES: readonly NamedCommands[] = [
  dhtCommands,
  mempoolCommands,
  topologyCommands,
  recordsCommands,
  reconciliationCommands,
  overlayCommands,
];

/** Finds an entry by its name in the nouns' tables. */
function entryOf<Entry>(parts: readonly Readonly<Record<string, Entry>>[], name: string): Entry | undefined {
  return parts.find((part) => Object.hasOwn(part, name))?.[name];
}

const REQUESTS = TABLES.map(({ requests }) => requests);
const OUTCOMES = TABLES.map(({ outcomes }) => outcomes);
const NOTICES = TABLES.map(({ notices }) => notices);

/** Names of all commands, ascending. */
export const COMMAND_NAMES: readonly string[] = REQUESTS.flatMap((part) => Object.keys(part)).sort();

/** The request of a command, or undefined for a name that is none. Throws `RefusedArguments`. */
export function readCommand(name: string, args: readonly Uint8Array[]): LocalRequest | undefined {
  return entryOf(REQUESTS, name)?.(new Arguments(args));
}

/** An outcome as the kit sees it. */
export function writeOutcome(outcome: LocalOutcome): OutcomeValues {
  const write = entryOf(OUTCOMES, outcome.type);
  invariant(write !== undefined, 'every outcome is in the table of its noun');
  return write(outcome);
}

/** A notice's values as the kit sees them. */
export function writeNotice(notice: LocalNotice): readonly Uint8Array[] {
  const write = entryOf(NOTICES, notice.type);
  invariant(write !== undefined, 'every notice is in the table of its noun');
  return write(notice);
}
