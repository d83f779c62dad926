import { verifyAudit } from './verifyAudit.ts';

process.exitCode = await verifyAudit(process.argv.slice(2), {
  env: process.env,
  folder: process.cwd(),
  print: console.log,
  complain: console.error,
});
