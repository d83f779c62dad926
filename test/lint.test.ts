import { ESLint } from 'eslint';
import { describe, expect, it } from 'vitest';

const eslint = new ESLint();

/** The rules that speak when this text stands in the place of an existing file. */
async function rulesThatFire(filePath: string, text: string): Promise<string[]> {
  const results = await eslint.lintText(text, { filePath });
  return results.flatMap(({ messages }) => messages.map(({ ruleId, message }) => ruleId ?? message));
}

describe('import directions', () => {
  it.each([
    ['core imports an adapter', 'src/core/plan.ts', '../adapters/tables/requests.ts'],
    ['core imports the Azure SDK', 'src/core/plan.ts', '@azure/data-tables'],
    ['core reads files', 'src/core/plan.ts', 'node:fs'],
    ['workflow imports an adapter', 'src/workflow/step.ts', '../adapters/tables/requests.ts'],
    ['workflow imports the Azure SDK', 'src/workflow/step.ts', '@azure/arm-network'],
    ['an adapter imports the workflow', 'src/adapters/arm/arm.ts', '../../workflow/step.ts'],
    ['an adapter imports the settings', 'src/adapters/arm/arm.ts', '../../config.ts'],
    ['http imports an adapter', 'src/http/audit.ts', '../adapters/tables/auditTrail.ts'],
    ['events imports an adapter', 'src/events/networkChanged.ts', '../adapters/tables/requests.ts'],
    [
      'events imports more of the workflow than its contracts',
      'src/events/networkChanged.ts',
      '../workflow/step.ts',
    ],
    ['events imports http', 'src/events/networkChanged.ts', '../http/audit.ts'],
    ['http imports events', 'src/http/audit.ts', '../events/networkChanged.ts'],
    ['http imports durable-functions', 'src/http/audit.ts', 'durable-functions'],
    ['an adapter imports durable-functions', 'src/adapters/arm/arm.ts', 'durable-functions'],
    ['what ships imports dev', 'src/main.ts', '../dev/azurite.ts'],
    ['what ships imports tests', 'src/workflow/step.ts', '../../test/support/virtualClock.ts'],
  ])('refuses that %s', async (_case, filePath, specifier) => {
    const fired = await rulesThatFire(filePath, `import * as x from '${specifier}';\nexport const y = x;\n`);

    expect(fired).toContain('@typescript-eslint/no-restricted-imports');
  });

  it('refuses to read the environment outside of the settings', async () => {
    const fired = await rulesThatFire('src/main.ts', 'export const x = process.env;\n');

    expect(fired).toContain('no-restricted-properties');
  });
});

describe('replay safety of the orchestrator', () => {
  it.each([
    ['the wall clock', 'export function* f() { yield new Date(); }'],
    ['Date.now', 'export function* f() { yield Date.now(); }'],
    ['a random number', 'export function* f() { yield Math.random(); }'],
    ['a random id', 'export function* f() { yield crypto.randomUUID(); }'],
    ['await', 'export async function f() { await Promise.resolve(); }'],
    ['fetch', "export function* f() { yield fetch('https://contoso.example'); }"],
    ['setTimeout', 'export function* f() { yield setTimeout(() => undefined, 1); }'],
    ['the environment', 'export function* f() { yield process.pid; }'],
    ['a thrown text', "export function* f() { yield 1; throw 'plain'; }"],
  ])('refuses %s', async (_case, text) => {
    expect(await rulesThatFire('src/workflow/grantOrchestrator.ts', `${text}\n`)).toContain(
      'no-restricted-syntax',
    );
  });
});

describe('purity of the core', () => {
  it.each([
    ['the wall clock', 'export const now = new Date();'],
    ['Date.now', 'export const now = Date.now();'],
    ['a random id', "import { randomUUID } from 'node:crypto';\nexport const id = randomUUID();"],
  ])('refuses %s', async (_case, text) => {
    expect(await rulesThatFire('src/core/plan.ts', `${text}\n`)).toContain('no-restricted-syntax');
  });
});
