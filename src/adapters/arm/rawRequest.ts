import type { Pipeline, PipelinePolicy } from '@azure/core-rest-pipeline';
import type { Clock } from '../../core/clock.ts';
import type { ArmClients } from './clients.ts';
import { within } from './deadline.ts';
import { problemOfError } from './problem.ts';

export interface RawRequest {
  subscriptionId: string;
  /** A POST is an action that changes nothing. */
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  url: string;
  correlationId: string;
  /** Besides the token and the correlation id. */
  headers?: Record<string, string>;
  body?: string;
  timeoutMilliseconds: number;
  /** `after-fault`: a second time after a 5xx or a broken connection. `never`: for writes. */
  repeat: 'after-fault' | 'never';
  /** Not sent after this instant, judged when the token is there and nothing is left but to send. */
  notAfter?: Date | undefined;
}

export type RawAnswer =
  | { kind: 'answer'; status: number; header(name: string): string | undefined; text: string }
  | { kind: 'too-late' }
  /** Sent or not, no answer came. */
  | { kind: 'no-answer'; message: string };

export type SendRaw = (request: RawRequest) => Promise<RawAnswer>;

/** Sends and receives JSON text through the pipeline of the SDK's network client, past its models. Never throws. */
export function createRawRequests(clients: ArmClients, clock: Clock): SendRaw {
  return async (raw) => {
    try {
      return await within(raw.timeoutMilliseconds, async (abortSignal) => {
        const { createHttpHeaders, createPipelineRequest } = await import('@azure/core-rest-pipeline');
        const client = await clients.network(raw.subscriptionId);
        const request = createPipelineRequest({
          url: raw.url,
          method: raw.method,
          headers: createHttpHeaders({
            accept: 'application/json',
            'x-ms-correlation-request-id': raw.correlationId,
            ...(raw.body === undefined ? {} : { 'content-type': 'application/json' }),
            ...raw.headers,
          }),
          abortSignal,
          ...(raw.body === undefined ? {} : { body: raw.body }),
        });
        const response = await pipelineOf(client.pipeline, raw, clock).sendRequest(
          await clients.httpClient(),
          request,
        );
        return {
          kind: 'answer' as const,
          status: response.status,
          header: (name: string) => response.headers.get(name),
          text: response.bodyAsText ?? '',
        };
      });
    } catch (error) {
      if (error instanceof TooLate) return { kind: 'too-late' };
      return { kind: 'no-answer', message: problemOfError(error).message };
    }
  };
}

function pipelineOf(shared: Pipeline, raw: RawRequest, clock: Clock): Pipeline {
  const pipeline = shared.clone();
  pipeline.removePolicy({ phase: 'Deserialize' });
  if (raw.repeat === 'never') pipeline.removePolicy({ phase: 'Retry' });
  if (raw.notAfter) pipeline.addPolicy(gate(raw.notAfter, clock), { afterPhase: 'Sign' });
  return pipeline;
}

/** The last policy before the wire: fetching a token can take seconds, in which what was planned grows old. */
function gate(notAfter: Date, clock: Clock): PipelinePolicy {
  return {
    name: 'notAfter',
    sendRequest: (request, next) => {
      if (clock.now() > notAfter) throw new TooLate();
      return next(request);
    },
  };
}

class TooLate extends Error {}
