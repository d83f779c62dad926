import type { FunctionDefinition, InvocationOutcome, TypedData } from '../invocation.ts';

/** What travels over the IPC channel between the host and its worker; shapes follow the Functions worker's RPC. */
export type ToWorker =
  | { type: 'load'; directory: string; files: string[] }
  | { type: 'invoke'; request: InvocationRequest }
  | { type: 'terminate' };

export type FromWorker =
  | { type: 'loaded'; functions: FunctionDefinition[]; capabilities: Record<string, unknown> }
  | { type: 'load-failed'; message: string }
  | { type: 'outcome'; invocationId: string; outcome: InvocationOutcome }
  | { type: 'log'; level: string; category: string; message: string; functionName?: string };

export interface RetryContext {
  retryCount: number;
  maxRetryCount: number;
  exception?: { message: string; stackTrace: string };
}

export interface InvocationRequest {
  invocationId: string;
  functionId: string;
  inputData: { name: string; data: TypedData }[];
  triggerMetadata?: Record<string, TypedData>;
  traceContext: { traceParent: string; traceState: string; attributes: Record<string, string> };
  retryContext?: RetryContext;
}
