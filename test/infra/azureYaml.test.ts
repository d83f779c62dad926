import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { read, root } from '../docs/pages.ts';

const lines = read('azure.yaml').split('\n');
const valueOf = (key: string) => lines.find((line) => line.trim().startsWith(`${key}: `))?.split(': ')[1];

describe('azure.yaml', () => {
  it('deploys the folder that the package is laid out in, and has Azure install nothing', () => {
    expect(valueOf('dist')).toBe('out/package');
    expect(read('scripts/package.mjs')).toContain("folder = 'out/package'");
    expect(valueOf('remoteBuild')).toBe('false');
    // azd refuses `remoteBuild: false` beside an ignore file that leaves node_modules out.
    expect(existsSync(join(root, '.funcignore'))).toBe(false);
  });

  it('calls the same command on every system, one that exists', () => {
    const hooks = read('azure.yaml').slice(read('azure.yaml').indexOf('\nhooks:'));
    const runs = [...hooks.matchAll(/^ {4}(posix|windows): .*run: npm run --silent (.+) \}$/gm)];
    const [posix, windows] = ['posix', 'windows'].map((system) =>
      runs.filter(([, name]) => name === system).map(([, , command]) => command),
    );

    expect(posix).toEqual([
      'azure -- sign-in',
      'azure -- after-provision',
      'package',
      'azure -- after-deploy',
      'azure -- before-down',
    ]);
    expect(windows).toEqual(posix);
    for (const command of posix ?? []) {
      const known = command === 'package' ? '"package"' : `'${command?.replace('azure -- ', '') ?? ''}': `;
      expect(read(command === 'package' ? 'package.json' : 'scripts/azure/cli.ts')).toContain(known);
    }
  });
});
