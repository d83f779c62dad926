import { describe, expect, it } from 'vitest';
import type { LiveRow } from '../../src/core/accessRequest.ts';
import { acrossClocks } from '../../src/core/acrossClocks.ts';
import { foreignRule } from '../support/foreignRule.ts';
import { contoso, liveRow } from '../support/liveRow.ts';

const noon = new Date('2026-11-23T12:00:00.000Z');
const after = (seconds: number) => new Date(noon.getTime() + seconds * 1000);
const bodyWith = (...names: string[]) => ({
  properties: { securityRules: names.map((name, index) => foreignRule(name, 100 + index)) },
});

/** The row as a worker sees it at this instant, in an NSG with these rules. */
function seen(row: LiveRow, now: Date, ...names: string[]): LiveRow | undefined {
  return acrossClocks([{ row, etag: 'W/"1"' }], bodyWith(...names), now, contoso.id)[0]?.row;
}

describe('a worker whose clock is behind', () => {
  const opening = liveRow('/nsg', after(60), 1);

  it('takes what is opening for begun, up to a minute before its start', () => {
    expect(seen(opening, noon)).toEqual({ ...opening, start: noon.toISOString() });
    expect(seen(opening, after(-0.001))).toEqual(opening);
  });

  it('begins nothing that is not opening', () => {
    const scheduled = { ...opening, state: 'scheduled' as const };
    expect(seen(scheduled, noon)).toEqual(scheduled);
  });

  const active = liveRow('/nsg', noon, 1, { state: 'active', end: after(3600).toISOString() });
  const itsRule = `sallyport-contoso-${active.requestId}-1`;

  it('takes an active grant none of whose rules is there for over in its last minute', () => {
    expect(seen(active, after(3540), 'somebody-elses')).toEqual({
      ...active,
      end: after(3540).toISOString(),
    });
  });

  it('leaves it as it is before that, and while a rule of it is there', () => {
    expect(seen(active, after(3539.999))).toEqual(active);
    expect(seen(active, after(3540), itsRule)).toEqual(active);
  });
});
