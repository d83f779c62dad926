import { describe, expect, it } from 'vitest';
import { requestEvents, requestStates } from '../../src/core/accessRequest.ts';
import { driftEventName, driftEvents } from '../../src/core/nsgRecord.ts';
import { policyEvents } from '../../src/core/policy.ts';
import { policyEventName } from '../../src/core/policyRecord.ts';
import { read, tableBelow, tablesBelow } from './pages.ts';

const page = read('docs/audit.md');

describe('docs/audit.md', () => {
  it('lists every event of a request, each once', () => {
    const listed = tableBelow(page, 'The life of a request').map(([cell]) => cell);

    expect([...listed].sort()).toEqual(
      [...requestStates, ...requestEvents].map((event) => `request.${event}`).sort(),
    );
  });

  it('lists every event of a network security group, each once', () => {
    const listed = tablesBelow(page, 'What others do to a network security group').map(([cell]) => cell);

    expect([...listed].sort()).toEqual(driftEvents.map(driftEventName).sort());
  });

  it('names every event of a policy', () => {
    for (const event of policyEvents) expect(page).toContain(`\`${policyEventName(event)}\``);
  });
});
