import type { DurableExtension, DurableExtensionOptions } from '../invocation.ts';
import { Engine } from './engine.ts';
import { manage } from './managementApi.ts';
import { clientBinding } from './managementUrls.ts';
import { Starts } from './starts.ts';
import { wrong } from './webAnswer.ts';

/**
 * The Durable Functions extension's contract for durable-functions 3.5, with its state in tables of the given storage
 * account (meant for Azurite). One host per task hub: two at once would both run everything.
 */
export function createDurableExtension(options: DurableExtensionOptions): DurableExtension {
  const engine = new Engine(options);
  const starts = new Starts(engine, options.seed);
  const binding = clientBinding(options);
  return {
    start: () => engine.start(),
    stop: (drain) => engine.stop(drain),
    clientBinding: () => binding,
    async handle(request) {
      try {
        return await manage({ options, engine, starts, request });
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        options.log('error', `Durable ${request.method} ${request.path}: ${message}`);
        return wrong(message);
      }
    },
  };
}
