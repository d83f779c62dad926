import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readAnchors } from '../../scripts/auditAnchors.ts';

const one = { number: 1, hash: 'a1'.repeat(32) };
const two = { number: 20, hash: 'b2'.repeat(32) };
const facts = JSON.stringify(one);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sallyport-anchors-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

let files = 0;
async function fileOf(...lines: string[]): Promise<string> {
  const name = join(folder, `${(files += 1)}.txt`);
  await writeFile(name, lines.join('\n'));
  return name;
}

describe('readAnchors', () => {
  it('reads NUMBER:HASH, in either case, sorted, each once', async () => {
    const given = [`20:${two.hash.toUpperCase()}`, `1:${one.hash}`, `20:${two.hash}`];
    expect(await readAnchors(given)).toEqual([one, two]);
    expect(await readAnchors([])).toEqual([]);
  });

  it.each([
    ['a plain line', `1:${one.hash}`],
    ['the fact alone', facts],
    ['what the host prints', `[2026-11-23T12:00:00.000Z] seal ${facts}`],
    ['JSON that holds the line', JSON.stringify({ message: `seal ${facts}` })],
    ['JSON in JSON', JSON.stringify({ line: JSON.stringify({ message: `seal ${facts}` }) })],
    ['an indented object of an answer', `    "message": ${JSON.stringify(`seal ${facts}`)},`],
    ['CSV', `"2026-11-23","seal ${facts.replaceAll('"', '""')}"`],
  ])('reads a file with %s', async (_, line) => {
    expect(await readAnchors([await fileOf('', 'sweep {"seen":4}', line)])).toEqual([one]);
  });

  it('reads several anchors of one line, and keeps two that contradict each other', async () => {
    const other = { number: 1, hash: 'c3'.repeat(32) };
    const file = await fileOf([one, two, other].map((each) => JSON.stringify(each)).join(','));
    expect(await readAnchors([file])).toEqual([one, other, two]);
  });

  it('passes over no anchor that it cannot read', async () => {
    await expect(readAnchors([`1:${one.hash.slice(1)}`])).rejects.toThrow(/neither NUMBER:HASH/);
    await expect(readAnchors([join(folder, 'absent')])).rejects.toThrow(/nor a file to read/);
    await expect(readAnchors([await fileOf('sweep {"seen":4}')])).rejects.toThrow(/holds no anchor/);
    for (const line of [`1:${one.hash.slice(1)}`, `seal ${facts.slice(0, -3)}`]) {
      const cut = await fileOf(`20:${two.hash}`, line);
      await expect(readAnchors([cut])).rejects.toThrow(/line 2: .*64 hexadecimal digits/);
    }
  });
});
