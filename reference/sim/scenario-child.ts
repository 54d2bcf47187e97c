/** The child of `scenario-process.ts`: runs one scenario and writes its figures as JSON. */
import type { ChildRequest, ChildResult } from './scenario-process.ts';
import { findScenario } from './scenarios/index.ts';
import { runScenario } from './scenarios/scenario.ts';

const request = JSON.parse(process.argv[2] ?? '{}') as ChildRequest;
const scenario = await findScenario(request.name);
if (scenario === undefined) throw new Error(`no scenario ${request.name}`);
const startMs = performance.now();
const figures = runScenario(scenario, {
  seed: request.seed,
  values: request.values,
  tell: (line) => process.stderr.write(`${request.name}: ${line}\n`),
});
const result: ChildResult = {
  outcome: 'figures',
  figures,
  durationMs: performance.now() - startMs,
  rssBytesMax: process.resourceUsage().maxRSS * 1024,
};
process.stdout.write(JSON.stringify(result));
