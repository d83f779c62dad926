import { describe, expect, it } from 'vitest';
import { pages } from './pages.ts';

describe('the commands of the documentation', () => {
  it('start Azurite without its telemetry, so that nothing leaves the machine', () => {
    const starts = pages().flatMap(({ text }) => text.match(/npx azurite[^`\n]*/g) ?? []);

    expect(starts.length).toBeGreaterThan(0);
    expect(starts.filter((command) => !command.includes('--disableTelemetry'))).toEqual([]);
  });
});
