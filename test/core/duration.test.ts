import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { formatDuration, maximumDurationSeconds, parseDuration } from '../../src/core/duration.ts';

describe('parseDuration', () => {
  it.each([
    ['PT3H', 10_800],
    ['PT90M', 5_400],
    ['PT45S', 45],
    ['P1D', 86_400],
    ['P7D', 604_800],
    ['P1W', 604_800],
    ['P1DT2H3M4S', 93_784],
    ['PT0.5H', 1_800],
    ['PT1.1M', 66],
    ['PT0H30M', 1_800],
    ['PT168H', 604_800],
  ])('reads %s as %i seconds', (text, seconds) => {
    expect(parseDuration(text)).toEqual({ ok: true, seconds });
  });

  it.each([
    ['P1M', /years or months/],
    ['P1Y', /years or months/],
    ['P1Y2M3DT4H', /years or months/],
    ['P0Y', /years or months/],
    ['PT0S', /zero/],
    ['P0D', /zero/],
    ['P0W', /zero/],
    ['-PT1H', /negative/],
    ['PT-1H', /negative/],
    ['PT1H-30M', /negative/],
    ['PT0.5S', /whole number of seconds/],
    ['PT0.001H', /whole number of seconds/],
    ['PT1.5H30M', /fraction in its last part/],
    ['PT168H1S', /longer than seven days/],
    ['P8D', /longer than seven days/],
    ['PT999999999H', /longer than seven days/],
    ['PT9999999999999999999999H', /not an ISO 8601 duration/],
    [`PT${'9'.repeat(400)}S`, /too long/],
    ['pt3h', /upper case/],
    ['PT3h', /upper case/],
    [' PT3H', /not an ISO 8601 duration/],
    ['PT3H\n', /not an ISO 8601 duration/],
    ['PT 3H', /not an ISO 8601 duration/],
    ['', /not an ISO 8601 duration/],
    ['P', /not an ISO 8601 duration/],
    ['PT', /not an ISO 8601 duration/],
    ['P1DT', /not an ISO 8601 duration/],
    ['P1WT1H', /not an ISO 8601 duration/],
    ['3600', /not an ISO 8601 duration/],
    ['PT3H please', /not an ISO 8601 duration/],
    ['xPT3H', /not an ISO 8601 duration/],
    ['PT1,5H', /not an ISO 8601 duration/],
    ['PT+1H', /not an ISO 8601 duration/],
    ['PT1e3S', /not an ISO 8601 duration/],
    ['PT٣H', /not an ISO 8601 duration/],
  ])('refuses %j', (text, problem) => {
    const result = parseDuration(text);

    expect(result.ok ? 'accepted' : result.problem).toMatch(problem);
    expect(result.ok ? '' : result.problem).toContain('Use days, hours or minutes');
  });

  it('never throws, and accepts only what it can say again in whole seconds', () => {
    const texts = fc.oneof(
      fc.string(),
      fc.stringMatching(/^-?P\d{0,3}[.,]?\d{0,3}[YMWDTHS]{0,2}\d{0,4}[TYMWDHS]?\d{0,2}[HMS]?$/),
    );

    fc.assert(
      fc.property(texts, (text) => {
        const result = parseDuration(text);
        if (!result.ok) return;
        expect(Number.isInteger(result.seconds)).toBe(true);
        expect(result.seconds).toBeGreaterThan(0);
        expect(result.seconds).toBeLessThanOrEqual(maximumDurationSeconds);
        expect(text).toMatch(/^P[0-9.WDTHMS]+$/);
        expect(parseDuration(formatDuration(result.seconds))).toEqual(result);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('formatDuration', () => {
  it.each([
    [1, 'PT1S'],
    [5_400, 'PT1H30M'],
    [86_400, 'PT24H'],
    [604_800, 'PT168H'],
  ])('writes %i seconds as %s', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });

  it('writes every allowed length so that it is read back as the same', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: maximumDurationSeconds }), (seconds) => {
        expect(parseDuration(formatDuration(seconds))).toEqual({ ok: true, seconds });
      }),
    );
  });
});
