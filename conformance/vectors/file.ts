/** The form of a vector file: what a reader in any language relies on. `vectors/schema/vector.schema.json` says the same. */
import { z } from 'zod';

const hexText = z
  .string()
  .regex(/^([0-9a-f]{2})*$/)
  .describe('bytes in lower-case hexadecimal');
const clauseId = z
  .string()
  .regex(/^[A-Z]{3}-[0-9]{3}$/)
  .describe('a clause of the spec');
const name = z.string().min(1);

/** One input of the function and what it must give. */
const vectorCase = z.strictObject({
  id: z
    .string()
    .regex(/^[a-z0-9]+(?:[.-][a-z0-9]+)*$/)
    .describe('unique in the file, never used twice'),
  comment: z.string().describe('what the case is about'),
  clauses: z.array(clauseId).min(1).optional().describe("clauses that a wrong answer breaks, the main one first; the file's if absent"),
  flags: z.array(name).describe('keys of the notes'),
  args: z.array(hexText).describe("the function's arguments, chapter 23"),
  result: z
    .enum(['valid', 'invalid'])
    .describe('whether the input is in order; what the function answers to an input that is not, stands in values or error'),
  values: z.array(hexText).optional().describe("the function's values; absent when there is an error"),
  error: z
    .string()
    .regex(/^E_[A-Z_]+$/)
    .optional()
    .describe('name of the error registry, chapter 20; absent when there are values'),
  mayRefuse: z
    .literal(true)
    .optional()
    .describe('the answer `refused` is right too: an argument has a size that an implementation need not be able to pass on'),
});

const note = z.strictObject({
  bugType: name.describe('the kind of mistake that the flagged cases look for'),
  description: name,
  effect: z.string().optional().describe('what the mistake would lead to'),
});

/** A whole file. */
export const vectorFileSchema: z.ZodType<VectorFile> = z
  .strictObject({
    schema: z.literal(1).describe('version of this form'),
    revision: name.describe('revision of the spec that the cases belong to'),
    function: name.describe('function of chapter 23 that all cases call'),
    clauses: z.array(clauseId).min(1).describe('clauses that the file is a witness of'),
    notes: z.record(name, note).describe('what the flags mean'),
    source: z.strictObject({
      kind: z.enum(['model', 'external']).describe('written by conformance/model, or taken from outside'),
      ref: name.describe('where from'),
    }),
    cases: z.array(vectorCase).min(1),
  })
  .describe('Carillon vector file');

/** One input of the function and what it must give: `values` or `error`, never both. */
export interface VectorCase {
  readonly id: string;
  readonly comment: string;
  readonly clauses?: string[] | undefined;
  readonly flags: string[];
  readonly args: string[];
  readonly result: 'valid' | 'invalid';
  readonly values?: string[] | undefined;
  readonly error?: string | undefined;
  readonly mayRefuse?: true | undefined;
}

/** What a flag means. */
export interface VectorNote {
  readonly bugType: string;
  readonly description: string;
  readonly effect?: string | undefined;
}

/** A vector file: cases of one function of chapter 23. */
export interface VectorFile {
  readonly schema: 1;
  readonly revision: string;
  readonly function: string;
  readonly clauses: string[];
  readonly notes: Record<string, VectorNote>;
  readonly source: { readonly kind: 'model' | 'external'; readonly ref: string };
  readonly cases: VectorCase[];
}

/** The clauses of a case: its own, or its file's. */
export function clausesOf(file: VectorFile, one: VectorCase): readonly string[] {
  return one.clauses ?? file.clauses;
}

/** The JSON Schema of `vectors/schema/vector.schema.json`, as text. */
export function vectorJsonSchema(): string {
  const { $schema, ...rest } = z.toJSONSchema(vectorFileSchema);
  const schema = { $schema, $id: 'https://carillon.invalid/vector.schema.json', title: 'Carillon vector file', ...rest };
  return `${JSON.stringify(schema, null, 2)}\n`;
}
