import type { IncomingHttpHeaders } from 'node:http';
import type { Caller } from './authentication.ts';
import type { OperationFault } from './operations.ts';
import type { World } from './world.ts';
import type { Target } from './target.ts';
import type { ValidationSettings } from './validate.ts';

export interface Settings extends ValidationSettings {
  /** From an accepted write to its end. */
  operationMs: number;
  /** Added to every answer. */
  requestMs: number;
  /** How long the synchronous part of an NSG write takes; another write meanwhile is 429. 0 switches that off. */
  criticalSectionMs: number;
  /**
   * Retry-After of a poll that says InProgress: growing as Azure's, or none (the client's own interval counts), or always
   * so many seconds, then also on the accepted write.
   */
  pollRetryAfter: 'growing' | 'none' | number;
  pageSize: number;
  throttling: boolean;
  /**
   * What callers may do: the state's `permissions`, by which everybody may do everything unless it says otherwise, or what
   * its role assignments give them, as in Azure.
   */
  rightsFrom: 'permissions' | 'role-assignments';
}

export const DEFAULT_SETTINGS: Settings = {
  operationMs: 1000,
  requestMs: 0,
  criticalSectionMs: 0,
  pollRetryAfter: 'growing',
  pageSize: 100,
  throttling: true,
  rightsFrom: 'permissions',
  mixedFamilies: 'refuse',
};

/** One request that has passed the gateway, and everything a handler may use. */
export interface Exchange {
  world: World;
  settings: Settings;
  method: string;
  target: Target;
  query: URLSearchParams;
  apiVersion: string;
  headers: IncomingHttpHeaders;
  body: unknown;
  caller: Caller;
  /** `https://127.0.0.1:1234`, as the caller addressed us: operation URLs and next links start with it. */
  origin: string;
  now: number;
  operationFault?: OperationFault;
}

export interface Reply {
  status: number;
  headers?: Record<string, string>;
  /** Undefined is an empty body; null is the four bytes `null`; text goes out as it is, all else as JSON. */
  body?: unknown;
}

export type Handler = (exchange: Exchange) => Reply;
