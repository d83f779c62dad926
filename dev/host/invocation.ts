/**
 * The contract between the host's parts: what a function is, how one is invoked in the worker process, and how
 * an extension (Durable) is plugged in. Shapes follow the Functions worker's RPC messages.
 */

/** A value as it travels between host and worker; at most one member is set, none means undefined. */
export interface TypedData {
  string?: string;
  json?: string;
  bytes?: Uint8Array;
  int?: number;
  double?: number;
  http?: unknown;
}

export interface Binding {
  type: string;
  name: string;
  direction: 'in' | 'out' | 'inout';
  [property: string]: unknown;
}

/** A function as the app registered it; names are compared ignoring case. */
export interface FunctionDefinition {
  functionId: string;
  name: string;
  bindings: Record<string, Binding>;
  retryOptions?: unknown;
}

export type InvocationOutcome =
  | { kind: 'success'; returnValue?: TypedData; outputData: { name: string; data: TypedData }[] }
  | { kind: 'failure'; message: string; stackTrace: string }
  /** `reason` is in the real host's words: `node exited with code 137 (0x89)`. */
  | { kind: 'worker-died'; reason: string };

export interface Invocation {
  functionName: string;
  /** By binding name. */
  inputs: Record<string, TypedData>;
  triggerMetadata?: Record<string, TypedData>;
}

export interface Invoker {
  functions(): readonly FunctionDefinition[];
  /** Runs one function in the worker. Never rejects: a failure and a dead worker are outcomes. Waits while the worker restarts. */
  invoke(invocation: Invocation): Promise<InvocationOutcome>;
}

export interface WebRequest {
  method: string;
  /** Path below the extension's root, without a leading slash: `instances/abc/raiseEvent/ring`. Still percent-encoded. */
  path: string;
  query: URLSearchParams;
  headers: Record<string, string>;
  body: Uint8Array;
  /** The URL as the client asked for it, for `Location`. */
  url: string;
}

export interface WebResponse {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** The Durable extension as the host sees it. */
export interface DurableExtension {
  /** Recovers what an earlier process left in storage and starts dispatching. */
  start(): Promise<void>;
  /** Stops dispatching; `drain` waits for what is under way. */
  stop(drain: boolean): Promise<void>;
  /** The text that a `durableClient` input binding receives. */
  clientBinding(): string;
  /** Serves the management API (`/runtime/webhooks/durabletask/…`, and the same below the local RPC address). */
  handle(request: WebRequest): Promise<WebResponse>;
}

export interface DurableExtensionOptions {
  invoker: Invoker;
  /** Storage connection string (AzureWebJobsStorage). */
  connectionString: string;
  hubName: string;
  /** `http://localhost:7071/runtime/webhooks/durabletask` */
  baseUrl: string;
  /** `http://127.0.0.1:17071/durabletask/` */
  rpcBaseUrl: string;
  systemKey: string;
  maxConcurrentActivityFunctions: number;
  maxConcurrentOrchestratorFunctions: number;
  /** How long a work item of a killed host stays hidden before it is delivered again. */
  visibilityTimeoutMs: number;
  /** Let timers fire up to a second early, as the real queue delay (cut to whole seconds) makes them do. */
  earlyTimers: boolean;
  /** Seeds what is arbitrary in the real engine (which of several simultaneous starts wins …). */
  seed: number;
  log: (level: 'debug' | 'info' | 'warn' | 'error', message: string) => void;
}
