/** Looks up the TXT records of DNS names for the core, in bounded time and number. Spec: chapter 08, bootstrap */
import { Resolver } from 'node:dns/promises';
import { RESOLUTION_MS_MAX, RESOLUTIONS_MAX, RESOLVED_TEXT_BYTES_MAX, RESOLVED_TEXTS_MAX } from './limits.ts';

/** The TXT records of a name, each as its pieces. Rejects when there are none or nobody answers. */
export type LookUpTexts = (name: string) => Promise<readonly (readonly string[])[]>;

/** Whether anything was found. */
export type Resolution = 'found' | 'failed' | 'refused';

/** What a resolver needs. */
export interface ResolverOptions {
  /** The system's resolver if absent. */
  readonly lookUp?: LookUpTexts;
  /** Takes the texts of a name: none when nothing was found. Comes once for each `resolve`. */
  readonly onResolved: (name: string, texts: readonly string[], resolution: Resolution) => void;
}

/** Look-ups under way. */
export interface TextResolver {
  resolve(name: string): void;
  /** Answers nothing any more. */
  stop(): void;
}

/** The system's resolver, given up on in time. */
export function systemLookUp(): LookUpTexts & { readonly cancel: () => void } {
  const resolver = new Resolver({ timeout: RESOLUTION_MS_MAX / 2, tries: 2 });
  return Object.assign((name: string) => resolver.resolveTxt(name), { cancel: () => resolver.cancel() });
}

/** Texts that are short enough, the first of them. */
function bounded(records: readonly (readonly string[])[]): readonly string[] {
  return records
    .map((pieces) => pieces.join(''))
    .filter((text) => Buffer.byteLength(text) <= RESOLVED_TEXT_BYTES_MAX)
    .slice(0, RESOLVED_TEXTS_MAX);
}

/** A resolver without look-ups under way. */
export function createTextResolver(options: ResolverOptions): TextResolver {
  const system = options.lookUp === undefined ? systemLookUp() : undefined;
  const lookUp = options.lookUp ?? system;
  let underWay = 0;
  let isStopped = false;

  function finish(name: string, texts: readonly string[], resolution: Resolution): void {
    if (!isStopped) options.onResolved(name, texts, resolution);
  }

  /** The records, or a rejection after a while: a resolver that never answers must not keep the core waiting. */
  async function withLimit(name: string): Promise<readonly (readonly string[])[]> {
    const limit = Promise.withResolvers<never>();
    const timer = setTimeout(() => limit.reject(new Error('no answer in time')), RESOLUTION_MS_MAX);
    try {
      return await Promise.race([lookUp?.(name) ?? [], limit.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  async function run(name: string): Promise<void> {
    underWay += 1;
    let texts: readonly string[] = [];
    try {
      texts = bounded(await withLimit(name));
    } catch {
      // No such name, no records, nobody there: for the core all the same.
    }
    underWay -= 1;
    finish(name, texts, texts.length > 0 ? 'found' : 'failed');
  }

  return {
    resolve: (name) => {
      if (underWay < RESOLUTIONS_MAX) void run(name);
      else queueMicrotask(() => finish(name, [], 'refused'));
    },
    stop: () => {
      isStopped = true;
      system?.cancel();
    },
  };
}
