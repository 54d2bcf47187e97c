/** All generated vector files, in the order of their paths: the same in every run. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileText, type GeneratedFile } from './draft.ts';
import { vectorJsonSchema } from './file.ts';
import { conventionsFiles } from './make/conventions.ts';
import { datagramFiles } from './make/datagram.ts';
import { dhtFiles } from './make/dht.ts';
import { envelopeFiles } from './make/envelope.ts';
import { externalFiles } from './make/external.ts';
import { gossipFiles } from './make/gossip.ts';
import { mempoolFiles } from './make/mempool.ts';
import { overlayFiles } from './make/overlay.ts';
import { peerIdFiles } from './make/peer-id.ts';
import { reconciliationFiles } from './make/reconciliation.ts';
import { recordsFiles } from './make/records.ts';
import { sessionFiles } from './make/session.ts';
import { signatureFiles } from './make/signature.ts';
import { strictFiles } from './make/strict.ts';
import { topologyFiles } from './make/topology.ts';
import { wireFiles } from './make/wire.ts';

/** Folders below `vectors/` that hold generated files and nothing else but a README. */
export const GENERATED_FOLDERS: readonly string[] = [
  'conventions',
  'dht',
  'gossip',
  'identity',
  'overlay',
  'reconciliation',
  'schema',
  'session',
  'topology',
  'wire',
];

/** Every vector file, sorted by path. Throws when a draft and the model, or the model and a publisher, disagree. */
export function generateVectors(): readonly GeneratedFile[] {
  const files = [
    ...conventionsFiles(),
    ...peerIdFiles(),
    ...signatureFiles(),
    ...envelopeFiles(),
    ...strictFiles(),
    ...wireFiles(),
    ...datagramFiles(),
    ...sessionFiles(),
    ...gossipFiles(),
    ...recordsFiles(),
    ...mempoolFiles(),
    ...dhtFiles(),
    ...overlayFiles(),
    ...topologyFiles(),
    ...reconciliationFiles(),
    ...externalFiles(),
  ];
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** The text of every generated file by its path below `vectors/`, the schema among them. */
export function generatedTexts(): ReadonlyMap<string, string> {
  return new Map([
    ...generateVectors().map(({ path, file }) => [path, fileText(file)] as const),
    ['schema/vector.schema.json', vectorJsonSchema()],
  ]);
}

/** Paths below the folder whose file is not the generated one: missing, changed, or not generated at all. */
export function staleFiles(folder: string, texts: ReadonlyMap<string, string>): readonly string[] {
  const stale = [...texts].filter(([path, text]) => readIfThere(join(folder, path)) !== text).map(([path]) => path);
  const left = GENERATED_FOLDERS.flatMap((name) => jsonFilesOf(folder, name)).filter((path) => !texts.has(path));
  return [...stale, ...left].sort();
}

/** Writes the generated files and gives the paths of those that changed. Files that are no longer generated stay and are reported by `staleFiles`. */
export function writeVectors(folder: string, texts: ReadonlyMap<string, string>): readonly string[] {
  const changed = [...texts].filter(([path, text]) => readIfThere(join(folder, path)) !== text);
  for (const [path, text] of changed) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return changed.map(([path]) => path);
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function jsonFilesOf(folder: string, name: string): readonly string[] {
  try {
    return readdirSync(join(folder, name))
      .filter((file) => file.endsWith('.json'))
      .map((file) => `${name}/${file}`);
  } catch {
    return [];
  }
}
