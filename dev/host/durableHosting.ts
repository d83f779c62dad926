import { durableDispatcher } from './dispatch.ts';
import { createDurableExtension } from './durable/extension.ts';
import { HostError } from './hostError.ts';
import type { Handler, Listener } from './httpListener.ts';
import { listen } from './httpListener.ts';
import type { DurableExtension, DurableExtensionOptions } from './invocation.ts';

export interface DurableHosting {
  extension: DurableExtension;
  /** Stops the listener for the app's Durable client. */
  close: () => Promise<void>;
}

/** Creates the Durable extension, with the local listener that the app's Durable client talks to. */
export async function hostDurable(
  rpcPort: number,
  options: Omit<DurableExtensionOptions, 'rpcBaseUrl'>,
): Promise<DurableHosting> {
  let handler: Handler = (_, response) => Promise.resolve(void response.writeHead(503).end());
  const listener = await listenForClient(rpcPort, (request, response) => handler(request, response));
  const extension = createDurableExtension({
    ...options,
    rpcBaseUrl: `http://127.0.0.1:${listener.port}/durabletask/`,
  });
  handler = durableDispatcher(extension, '/durabletask/');
  return { extension, close: () => listener.close(0) };
}

/** When the port is taken, by another host perhaps, any other will do: the app is told which. */
async function listenForClient(port: number, handler: Handler): Promise<Listener> {
  try {
    return await listen(port, handler);
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    return listen(0, handler);
  }
}
