/**
 * Cases before they are written: the author says input and outcome in words, the model computes the answer, and a draft
 * whose outcome the model does not share stops the generator.
 */
import { hex, sha256, text, u64be, utf8 } from '../model/bytes.ts';
import { type Evaluated, evaluate } from '../model/evaluate.ts';
import type { VectorCase, VectorFile, VectorNote } from './file.ts';

/** Revision of the spec that the generated cases belong to. */
export const REVISION = '0.1';

/** An argument: bytes, a text, or a u64. */
export type Argument = Uint8Array | string | bigint | number;

/** A case before it is written. */
export interface Draft {
  readonly id: string;
  readonly comment: string;
  /** Clauses that a wrong answer breaks, the main one first. */
  readonly clauses: readonly string[];
  readonly flags?: readonly string[];
  readonly args: readonly Argument[];
  /** What the function says against the input: an error's name, a verdict and its code, or `0`. A case without it is valid. */
  readonly against?: string;
  /** The clause by which the model must have decided; the main clause if absent. */
  readonly decidedBy?: string;
  readonly mayRefuse?: true;
}

/** A generated file with its path below `vectors/`. */
export interface GeneratedFile {
  readonly path: string;
  readonly file: VectorFile;
}

/** A file of drafts of one function. Throws when the model's answer is not the draft's. */
export function modelFile(
  path: string,
  name: string,
  clauses: readonly string[],
  notes: Readonly<Record<string, VectorNote>>,
  drafts: readonly Draft[],
): GeneratedFile {
  const cases = drafts.map((draft) => writeCase(name, draft));
  const missing = drafts.flatMap((draft) => draft.clauses).filter((clause) => !clauses.includes(clause));
  if (missing.length > 0) throw new Error(`${path}: clauses ${missing.join(', ')} are not the file's`);
  return {
    path,
    file: {
      schema: 1,
      revision: REVISION,
      function: name,
      clauses: [...clauses],
      notes: Object.fromEntries(Object.entries(notes).filter(([flag]) => cases.some((one) => one.flags.includes(flag)))),
      source: { kind: 'model', ref: 'conformance/model' },
      cases,
    },
  };
}

function writeCase(name: string, draft: Draft): VectorCase {
  const args = draft.args.map(argumentBytes);
  const answer = evaluate(name, args);
  const against = objection(name, answer);
  if (against !== draft.against) throw new Error(`${name} ${draft.id}: the draft says ${draft.against}, the model ${against}`);
  const decidedBy = 'clause' in answer ? answer.clause : undefined;
  const expectedClause = draft.decidedBy ?? draft.clauses[0];
  if (against !== undefined && decidedBy !== undefined && decidedBy !== expectedClause) {
    throw new Error(`${name} ${draft.id}: the draft is about ${expectedClause}, the model decided by ${decidedBy}`);
  }
  return {
    id: draft.id,
    comment: draft.comment,
    clauses: [...draft.clauses],
    flags: [...(draft.flags ?? [])],
    args: args.map(hex),
    result: against === undefined ? 'valid' : 'invalid',
    ...outcomeOf(answer),
    ...(draft.mayRefuse === undefined ? {} : { mayRefuse: draft.mayRefuse }),
  };
}

/** The outcome of an answer as a case holds it. Throws for an answer that is neither values nor an error. */
export function outcomeOf(answer: Evaluated): { values: string[] } | { error: string } {
  if ('values' in answer) return { values: answer.values.map(hex) };
  if ('error' in answer) return { error: answer.error };
  throw new Error('refused' in answer ? `the model refuses: ${answer.refused}` : `the model has no function ${answer.unsupported}`);
}

/** What an answer says against its input, or undefined when nothing. */
function objection(name: string, answer: Evaluated): string | undefined {
  if ('refused' in answer) return `refused: ${answer.refused}`;
  if ('unsupported' in answer) return `unsupported: ${answer.unsupported}`;
  if ('error' in answer) return answer.error;
  const [first = new Uint8Array(), second = new Uint8Array()] = answer.values;
  if (name.endsWith('.judge')) return text(first) === 'accept' ? undefined : `${text(first)} ${text(second)}`;
  if (name === 'ed25519.verify') return hex(first) === hex(u64be(1)) ? undefined : '0';
  return undefined;
}

function argumentBytes(argument: Argument): Uint8Array {
  if (argument instanceof Uint8Array) return argument;
  return typeof argument === 'string' ? utf8(argument) : u64be(argument);
}

/** 32 bytes that belong to a label: the same in every run, without structure. */
export function seedOf(label: string): Uint8Array {
  return sha256(utf8(`carillon vectors: ${label}`));
}

/** `size` bytes that belong to a label. */
export function bytesOf(label: string, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let offset = 0; offset < size; offset += 32) {
    bytes.set(seedOf(`${label} ${offset}`).slice(0, Math.min(32, size - offset)), offset);
  }
  return bytes;
}

/** The file as it is committed. */
export function fileText(file: VectorFile): string {
  return `${JSON.stringify(file, null, 1)}\n`;
}
