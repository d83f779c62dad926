import { runJit } from './runJit.ts';

process.exitCode = await runJit(process.argv.slice(2), {
  env: process.env,
  print: (text) => process.stdout.write(`${text}\n`),
  progress: (text) => process.stderr.write(`${text}\n`),
  ...(process.stdout.isTTY && { columns: process.stdout.columns }),
  timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
});
