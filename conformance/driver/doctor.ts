/** Checks an adapter before it is judged: does it keep the adapter protocol, so that verdicts mean something? */
import { DOCTOR_CHECKS } from './doctor-checks.ts';
import type { DoctorContext, Finding } from './doctor-kit.ts';
import { messageOf, TargetError } from './errors.ts';
import type { Target } from './target.ts';

/** One check's outcome. */
export interface DoctorItem {
  /** Stable, for example `framing.split`. */
  readonly id: string;
  /** Clause of chapter 23, or the section when it has no clause. */
  readonly clause: string;
  /** What is asked, as a sentence. */
  readonly title: string;
  readonly outcome: 'pass' | 'fail' | 'notApplicable';
  /** What was seen, or why it does not apply. */
  readonly observed: string;
  /** What the adapter's author can do; empty unless the outcome is `fail`. */
  readonly advice: string;
}

/** All items in their order. */
export interface DoctorReport {
  readonly target: { readonly name: string; readonly version: string; readonly language: string };
  readonly items: readonly DoctorItem[];
  /** No item failed. */
  readonly isHealthy: boolean;
}

/** Runs every check. A target that dies on the way is started again for the next check; never rejects for what the target does. */
export async function runDoctor(target: Target): Promise<DoctorReport> {
  const { name, version, language } = target.hello;
  const context: DoctorContext = { target };
  const items: DoctorItem[] = [];
  let gone: string | undefined;
  for (const { id, clause, title, advice, run } of DOCTOR_CHECKS) {
    let finding: Finding;
    if (gone !== undefined) finding = { outcome: 'fail', observed: `the target could not be started again: ${gone}` };
    else {
      finding = await run(context).catch((error: unknown): Finding => {
        const code = error instanceof TargetError ? `${error.code}: ` : '';
        return { outcome: 'fail', observed: `${code}${messageOf(error)}` };
      });
      if (target.connection.fault !== undefined) gone = await restarted(target);
    }
    items.push({ id, clause, title, ...finding, advice: finding.outcome === 'fail' ? advice : '' });
  }
  return { target: { name, version, language }, items, isHealthy: items.every(({ outcome }) => outcome !== 'fail') };
}

async function restarted(target: Target): Promise<string | undefined> {
  try {
    await target.restart();
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/** The report as text, one line an item and the advice below what failed. */
export function formatDoctor({ target, items, isHealthy }: DoctorReport): string {
  const marks = { pass: 'ok  ', fail: 'FAIL', notApplicable: 'n/a ' } as const;
  const lines = items.flatMap(({ id, clause, outcome, title, observed, advice }) => [
    `${marks[outcome]}  ${id}  ${clause}  ${title}`,
    ...(outcome === 'pass' ? [] : [`      seen: ${observed}`]),
    ...(advice === '' ? [] : [`      do:   ${advice}`]),
  ]);
  const verdict = isHealthy ? 'The adapter can be judged.' : 'The adapter must be repaired before it is judged.';
  return [`${target.name} ${target.version} (${target.language})`, ...lines, verdict, ''].join('\n');
}
