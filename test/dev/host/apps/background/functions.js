const { appendFileSync } = require('node:fs');
const { app } = require('@azure/functions');

/** Every run leaves a line in the file that the tests read. */
const note = (name, value) =>
  appendFileSync(process.env.NOTES, `${JSON.stringify({ name, at: new Date().toISOString(), ...value })}\n`);

app.timer('everySecond', {
  schedule: '%TICK%',
  handler: async (timer) => {
    note('everySecond', { timer, phase: 'start' });
    await new Promise((resolve) => setTimeout(resolve, 1_300));
    note('everySecond', { timer, phase: 'end' });
  },
});
app.timer('atStart', {
  schedule: '0 0 3 1 1 *',
  runOnStartup: true,
  handler: (timer) => note('atStart', { timer }),
});
app.timer('yearly', { schedule: '0 0 3 1 1 *', handler: (timer) => note('yearly', { timer }) });
app.timer('failing', {
  schedule: '0 0 3 1 1 *',
  runOnStartup: true,
  retry: { strategy: 'fixedDelay', delayInterval: { milliseconds: 1 }, maxRetryCount: 2 },
  handler: (timer, context) => {
    note('failing', { retryContext: context.retryContext });
    throw new Error('as always');
  },
});
app.timer('sundayIsSeven', { schedule: '0 0 0 * * 7', handler: () => undefined });
app.timer('unresolved', { schedule: '%NOT_SET%', handler: () => undefined });
app.timer('off', { schedule: '* * * * * *', handler: (timer) => note('off', { timer }) });

app.eventGrid('eg', {
  handler: (event, context) => {
    note('eg', { event, triggerMetadata: context.triggerMetadata });
    if (event.data?.fail) throw new Error('eg fails');
  },
});
