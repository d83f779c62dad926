import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

describe.each([
  'dev/start.ts',
  'dev/demo.ts',
  'dev/seedCli.ts',
  'dev/identity/cli.ts',
  'dev/arm/cli.ts',
  'dev/host/cli.ts',
  'scripts/auditVerify.ts',
])('%s', (program) => {
  it('refuses a flag that it does not know with a sentence, not with a stack', () => {
    const { status, stderr } = spawnSync(process.execPath, ['--import', 'tsx', program, '--nonsense'], {
      cwd: root,
      encoding: 'utf8',
    });

    expect(status).not.toBe(0);
    expect(stderr).toContain("'--nonsense'");
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});
