import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { canonicalJson } from '../../src/core/canonicalJson.ts';
import type { LayerResult } from './layer.ts';
import type { PartAnswer, PartOrder } from './part.ts';

/** What the result of a part that starts processes, or hunts mutants, may depend on. */
const everything = ['src', 'dev', 'test', 'scripts', 'host.json', 'package.json', 'package-lock.json'];

/**
 * SHA-256, in hexadecimal, over the names and contents of what a result depends on: the lockfile, the version of Node, and
 * every file that `module` imports, directly or not (types alone count for nothing); all sources where no module is given.
 */
export async function contentHash(root: string, module?: string): Promise<string> {
  const hash = createHash('sha256').update(process.version);
  const paths =
    module === undefined
      ? everything.flatMap((source) => filesUnder(root, source))
      : [...filesUnder(root, 'package-lock.json'), ...(await filesImportedBy(root, module))];
  for (const path of paths) {
    const content = readFileSync(join(root, path));
    hash.update(`\n${path} ${content.length}\n`).update(content);
  }
  return hash.digest('hex');
}

async function filesImportedBy(root: string, module: string): Promise<string[]> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [module],
    ...{ bundle: true, packages: 'external', platform: 'node', format: 'esm' },
    ...{ write: false, metafile: true, logLevel: 'silent' },
  });
  return Object.keys(metafile.inputs).sort();
}

function filesUnder(root: string, path: string): string[] {
  if (!existsSync(join(root, path))) return [];
  if (!statSync(join(root, path)).isDirectory()) return [path];
  return readdirSync(join(root, path))
    .sort()
    .flatMap((name) => filesUnder(root, `${path}/${name}`));
}

/** Results of parts that have been run, on disk, so that a run that was interrupted need not begin again. */
export interface KeptParts {
  /** Undefined where the part was not run over this content, or did not hold. */
  of(order: PartOrder): LayerResult | undefined;
  /** Does nothing with a part that did not hold: it is to be run again. */
  keep(order: PartOrder, result: LayerResult): void;
}

/** Keeps results under a directory of their own for each content, of which the hash is given for each layer's letter. */
export function createKeptParts(directory: string, contents: Readonly<Record<string, string>>): KeptParts {
  const folderOf = ({ letter }: PartOrder) => {
    const content = contents[letter];
    if (content === undefined) throw new Error(`Nobody has said what layer ${letter} depends on.`);
    return join(directory, content);
  };
  const fileOf = (order: PartOrder) => {
    const asked = createHash('sha256').update(canonicalJson(order.options)).digest('hex').slice(0, 16);
    return join(folderOf(order), `${order.letter}-${asked}.json`);
  };
  return {
    of(order) {
      const file = fileOf(order);
      return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as LayerResult) : undefined;
    },
    keep(order, result) {
      if (result.failures.length > 0) return;
      mkdirSync(folderOf(order), { recursive: true });
      // In one step, so that whoever is interrupted leaves a whole file or none.
      const whole = `${fileOf(order)}.${process.pid}`;
      writeFileSync(whole, JSON.stringify(result));
      renameSync(whole, fileOf(order));
    },
  };
}

/**
 * Runs the parts and keeps each result as it comes; if `resume`, those that are kept from before are not run. Resolves to
 * how many these were.
 */
export async function runMissing(
  orders: readonly PartOrder[],
  kept: KeptParts,
  resume: boolean,
  run: (missing: readonly PartOrder[], onAnswer: (answer: PartAnswer) => void) => Promise<void>,
  onAnswer: (order: PartOrder, answer: PartAnswer) => void,
): Promise<number> {
  const byNumber = new Map(orders.map((order) => [order.number, order]));
  const missing: PartOrder[] = [];
  for (const order of orders) {
    const result = resume ? kept.of(order) : undefined;
    if (result === undefined) missing.push(order);
    else onAnswer(order, { number: order.number, result });
  }
  await run(missing, (answer) => {
    const order = byNumber.get(answer.number);
    if (order === undefined) throw new Error(`An answer to no question: ${answer.number}.`);
    if (answer.result !== undefined) kept.keep(order, answer.result);
    onAnswer(order, answer);
  });
  return orders.length - missing.length;
}
