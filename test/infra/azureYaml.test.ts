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

  it('packs anew before each upload: azd deploy runs what a service has before its package, and no such hook of the project', () => {
    const [ofService = '', ofProject = ''] = read('azure.yaml').split('\nhooks:');

    expect(ofService).toMatch(/\n {4}hooks:\n {6}prepackage:\n/);
    expect(ofProject).not.toContain('package');
  });

  it('calls the same command on every system, one that exists', () => {
    const runs = [...read('azure.yaml').matchAll(/^ +(posix|windows): .*run: npm run --silent (.+) \}$/gm)];
    const [posix, windows] = ['posix', 'windows'].map((system) =>
      runs.filter(([, name]) => name === system).map(([, , command]) => command),
    );

    expect(posix).toEqual([
      'package',
      'azure -- sign-in',
      'azure -- after-provision',
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
