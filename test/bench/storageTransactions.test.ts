import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startAzurite, type Azurite } from '../../dev/azurite.ts';
import { countTransactions } from './storageTransactions.ts';

describe('what a plain grant on one NSG asks of Table Storage', () => {
  let azurite: Azurite;
  beforeAll(async () => {
    azurite = await startAzurite();
  });
  afterAll(() => azurite.stop());

  it('is 30 transactions at most, and the same for one port as for ten', async () => {
    const one = await countTransactions(azurite.connectionString, [22]);
    const ports = Array.from({ length: 10 }, (_, index) => 8000 + index);

    expect(one.asked.length + one.opened.length + one.closed.length).toBeLessThanOrEqual(30);
    expect(await countTransactions(azurite.connectionString, ports)).toEqual(one);
  });
});
