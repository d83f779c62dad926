import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pages, prose, read, root } from './pages.ts';

const all = pages();

/** As GitHub makes them. */
function anchorsOf(text: string): Set<string> {
  const headings = prose(text).matchAll(/^#+ (.+)$/gm);
  return new Set(
    [...headings].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replaceAll(' ', '-'),
    ),
  );
}

function brokenLinks({ path, text }: { path: string; text: string }): string[] {
  return [...prose(text).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link = '']) => {
    if (/^[a-z]+:/.test(link)) return [];
    const [file = '', anchor] = link.split('#');
    const target = normalize(join(dirname(path), file));
    if (file !== '' && !existsSync(join(root, target))) return [link];
    if (anchor === undefined) return [];
    return anchorsOf(file === '' ? text : read(target)).has(anchor) ? [] : [link];
  });
}

/** Names of files and folders of the repository in code marks; a star stands for any characters of one name. */
function missingFiles(text: string): string[] {
  const named = prose(text).matchAll(/`((?:src|test|dev|docs|scripts|\.ci)\/[^\s`]*)`/g);
  return [...named].map(([, path = '']) => path).filter((path) => !exists(path));
}

function exists(path: string): boolean {
  if (!path.includes('*')) return existsSync(join(root, path));
  const pattern = path.slice(path.lastIndexOf('/') + 1).split('*');
  const name = new RegExp(`^${pattern.map((part) => part.replaceAll('.', String.raw`\.`)).join('.*')}$`);
  return readdirSync(join(root, dirname(path))).some((entry) => name.test(entry));
}

function missingScripts(text: string): string[] {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  return [...text.matchAll(/npm run (?:-s |--silent )?([a-z:]+)/g)]
    .map(([, name = '']) => name)
    .filter((name) => !Object.hasOwn(scripts, name));
}

describe.each(all.map((page) => [page.path, page] as const))('%s', (_path, page) => {
  it('links to pages and headings that exist', () => {
    expect(brokenLinks(page)).toEqual([]);
  });

  it('names files that exist', () => {
    expect(missingFiles(page.text)).toEqual([]);
  });

  it('names npm scripts that exist', () => {
    expect(missingScripts(page.text)).toEqual([]);
  });
});

describe('the checks of references', () => {
  it('find a link to nowhere, to an absent heading, and an absent file', () => {
    const text = '# One\n[a](nowhere.md) [b](#two) [c](#one) [d](README.md#not-there) `test/nowhere.test.ts`';

    expect(brokenLinks({ path: 'x.md', text })).toEqual(['nowhere.md', '#two', 'README.md#not-there']);
    expect(missingFiles(text)).toEqual(['test/nowhere.test.ts']);
    expect(missingScripts('npm run nothing')).toEqual(['nothing']);
  });
});

describe('the decisions', () => {
  const decisions = all.filter(({ path }) => /^docs\/decisions\/\d/.test(path));

  it('are all in the index', () => {
    const index = read('docs/decisions/README.md');

    expect(decisions.length).toBeGreaterThan(0);
    expect(
      decisions.filter(({ path }) => !index.includes(`(${path.slice('docs/decisions/'.length)})`)),
    ).toEqual([]);
  });

  it.each(decisions.map(({ path, text }) => [path, text]))(
    '%s tells context, decision, consequences and how it fails',
    (_path, text) => {
      const headings = [...text.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading);

      expect(headings).toEqual(['Context', 'Decision', 'Consequences', 'How it fails']);
    },
  );
});
