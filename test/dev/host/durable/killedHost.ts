import { startHub } from './hub.ts';
import { loadLocalWorker } from './localWorker.ts';

/** A host in a process of its own, to be killed: tells its parent of every invocation. */
const [connectionString = '', hubName = '', visibilityTimeoutMs = ''] = process.argv.slice(2);
const worker = await loadLocalWorker();
const hub = await startHub(
  connectionString,
  {
    functions: () => worker.functions(),
    invoke: (invocation) => {
      process.send?.(invocation.functionName);
      return worker.invoke(invocation);
    },
  },
  { hubName, visibilityTimeoutMs: Number(visibilityTimeoutMs) },
);
process.on('message', ({ path, body }: { path: string; body: string }) => void hub.call('POST', path, body));
process.on('disconnect', () => process.exit());
process.send?.('ready');
