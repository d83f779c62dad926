import { createDurableExtension } from '../../../../dev/host/durable/extension.ts';
import type {
  DurableExtension,
  DurableExtensionOptions,
  Invoker,
  WebResponse,
} from '../../../../dev/host/invocation.ts';

export interface Hub {
  extension: DurableExtension;
  logged: { level: string; message: string }[];
  call(method: string, path: string, body?: string, type?: string, token?: string): Promise<WebResponse>;
  status(instanceId: string): Promise<Record<string, unknown>>;
  /** Waits until the instance has ended and returns its status. */
  ended(instanceId: string): Promise<Record<string, unknown>>;
}

export const baseUrl = 'http://localhost:7071/runtime/webhooks/durabletask';
let hubs = 0;

/** A task hub of its own, or with `hubName` a known one again. */
export async function startHub(
  connectionString: string,
  invoker: Invoker,
  changes: Partial<DurableExtensionOptions> = {},
): Promise<Hub> {
  const logged: Hub['logged'] = [];
  const extension = createDurableExtension({
    ...{ invoker, connectionString, hubName: `Hub${process.pid}x${++hubs}`, baseUrl },
    ...{ rpcBaseUrl: 'http://127.0.0.1:17071/durabletask/', systemKey: 'SYSKEY' },
    ...{ maxConcurrentActivityFunctions: 10, maxConcurrentOrchestratorFunctions: 10 },
    ...{ visibilityTimeoutMs: 1_000, earlyTimers: false, seed: 1 },
    log: (level, message) => void logged.push({ level, message }),
    ...changes,
  });
  await extension.start();
  const call: Hub['call'] = (method, path, body = '', type = 'application/json', token = '') => {
    const [route = '', query = ''] = path.split('?');
    return extension.handle({
      ...{ method, path: route, query: new URLSearchParams(query), url: `${baseUrl}/${path}` },
      headers: {
        ...(type === 'none' ? {} : { 'content-type': type }),
        ...(token === '' ? {} : { 'x-ms-continuation-token': token }),
      },
      body: Buffer.from(body),
    });
  };
  const status = async (instanceId: string) => {
    const { body } = await call('GET', `instances/${instanceId}`);
    return (body === '' ? {} : JSON.parse(body)) as Record<string, unknown>;
  };
  return {
    ...{ extension, logged, call, status },
    async ended(instanceId) {
      await until(async () => isFinal((await status(instanceId))['runtimeStatus']), `${instanceId} ended`);
      return status(instanceId);
    },
  };
}

export const isFinal = (runtimeStatus: unknown): boolean =>
  ['Completed', 'Failed', 'Terminated'].includes(String(runtimeStatus));

/** Looks again until the condition holds. @throws Error after 20 seconds */
export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`Waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
