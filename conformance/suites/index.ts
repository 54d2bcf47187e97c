/** Every suite, by name: a file that is not listed here does not run. */
import type { Suite } from '../runner/registry.ts';

export const suites: readonly Suite[] = [];
