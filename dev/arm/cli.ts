import { existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { EventOptions } from './events.ts';
import type { ArmOptions } from './server.ts';
import { startArm } from './server.ts';
import { StateError } from './state.ts';

const SAMPLE = new URL('../sample/azure.json', import.meta.url);

const HELP = `Azure Resource Manager on this machine: the networks and machines of a state file, with Azure's bad manners.

npm run dev:arm -- [options]
  --port N             listen on 127.0.0.1:N (default 0: any free port)
  --state FILE         serve this state (default: the sample)
  --save               write every change back to FILE; a FILE that is not there starts from the sample
  --write-state FILE   write every change to this file instead
  --http               plain http (Azure's own SDKs refuse to send tokens over it)
  --cert-dir DIR       where the certificate lies or is made (default .sallyport/certificate)
  --issuer URL         check tokens against this issuer's keys (default: any bearer passes)
  --audience AUD       the audience that tokens must have; needed with --issuer
  --enforce-roles      callers may do what role assignments of the state give them, and nothing else
  --operation-ms N     how long a write runs until it has Succeeded (default 1000)
  --events-to URL      deliver an event about each write and delete to this webhook, as Event Grid does
  --events-schema S    EventGridSchema (default) or CloudEventSchemaV1_0
  --events-seed N      which events come twice and how late each is (default 1)
  --quiet              no line per request on stderr
  --help               this text

Prints one line of JSON on stdout when it listens; everything else goes to stderr. Faults: POST /_sim/faults,
see docs/arm-simulator.md.
`;

/** A mistake of whoever started us: one line, no stack. */
class UsageError extends Error {
  override name = 'UsageError';
}

async function main(): Promise<void> {
  const { values } = parse();
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  if ((values.issuer === undefined) !== (values.audience === undefined)) {
    throw new UsageError('--issuer and --audience go together');
  }
  const saveTo = values['write-state'] ?? (values.save ? values.state : undefined);
  if (values.save && values.state === undefined) throw new UsageError('--save needs --state FILE');
  const fresh = values.save && values.state !== undefined && !existsSync(values.state);
  const arm = await startArm({
    state: readJson(fresh ? SAMPLE : (values.state ?? SAMPLE)),
    port: wholeNumber('--port', values.port),
    protocol: values.http ? 'http' : 'https',
    certificateDirectory: values['cert-dir'],
    settings: {
      operationMs: wholeNumber('--operation-ms', values['operation-ms']),
      ...(values['enforce-roles'] && { rightsFrom: 'role-assignments' as const }),
    },
    ...(values.issuer !== undefined && { issuer: { url: values.issuer, audience: values.audience ?? '' } }),
    ...(saveTo !== undefined && { saveTo }),
    ...(values['events-to'] !== undefined && { events: events(values['events-to'], values) }),
    ...(!values.quiet && { log: (line: string) => process.stderr.write(`${line}\n`) }),
  } satisfies ArmOptions);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      void arm.close().then(() => process.exit(0));
    });
  }
  // Last: whoever reads this line may send a signal at once.
  const ready = { ready: true, url: arm.url, certificate: arm.certificatePath, processId: process.pid };
  process.stdout.write(`${JSON.stringify(ready)}\n`);
}

function parse() {
  try {
    return parseArgs({
      options: {
        port: { type: 'string', default: '0' },
        state: { type: 'string' },
        save: { type: 'boolean', default: false },
        'write-state': { type: 'string' },
        http: { type: 'boolean', default: false },
        'cert-dir': { type: 'string', default: '.sallyport/certificate' },
        issuer: { type: 'string' },
        audience: { type: 'string' },
        'enforce-roles': { type: 'boolean', default: false },
        'operation-ms': { type: 'string', default: '1000' },
        'events-to': { type: 'string' },
        'events-schema': { type: 'string', default: 'EventGridSchema' },
        'events-seed': { type: 'string', default: '1' },
        quiet: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new UsageError(messageOf(error));
  }
}

function events(url: string, values: { 'events-schema': string; 'events-seed': string }): EventOptions {
  if (!URL.canParse(url)) throw new UsageError(`--events-to needs a URL, not '${url}'`);
  const schema = (['EventGridSchema', 'CloudEventSchemaV1_0'] as const).find(
    (known) => known === values['events-schema'],
  );
  if (schema === undefined) {
    throw new UsageError('--events-schema is EventGridSchema or CloudEventSchemaV1_0');
  }
  return { url, schema, seed: wholeNumber('--events-seed', values['events-seed']), delayMs: 100 };
}

function wholeNumber(option: string, text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new UsageError(`${option} needs a whole number, not '${text}'`);
}

function readJson(file: string | URL): unknown {
  const name = file instanceof URL ? file.pathname : file;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new UsageError(`cannot read the state file ${name}`);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`the state file ${name} is not JSON: ${messageOf(error)}`);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function explain(error: unknown): string {
  if (error instanceof UsageError) return error.message;
  if (error instanceof StateError) return `the state is not usable: ${error.message}`;
  if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
    return `the port is in use: ${error.message}`;
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

main().catch((error: unknown) => {
  process.stderr.write(`dev:arm: ${explain(error)}\n`);
  process.exitCode = 1;
});
