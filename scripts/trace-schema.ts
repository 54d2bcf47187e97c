/** Writes `conformance/runner/trace.schema.json` from the form of trace files; a test holds the two together. Format it afterwards. */
import { writeFileSync } from 'node:fs';
import { traceSchemaText } from '../conformance/runner/trace-file.ts';

writeFileSync(new URL('../conformance/runner/trace.schema.json', import.meta.url), traceSchemaText());
