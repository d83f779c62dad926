import type { AuditSink } from '../../core/auditSink.ts';
import { within } from '../arm/deadline.ts';
import { problemOfAnswer } from '../arm/problem.ts';
import { createTokenPipeline, type TokenPipelineOptions } from '../tokenPipeline.ts';
import { rowsOf } from './auditRows.ts';

export interface AuditCopyOptions extends Omit<TokenPipelineOptions, 'scope'> {
  /** Where the data collection rule takes logs: an https origin. */
  endpoint: string;
  /** The rule's immutable id, `dcr-` and 32 hexadecimal digits. */
  ruleId: string;
  /** Of one call, its repetitions and its token included. */
  timeoutMilliseconds?: number;
}

const stream = 'Custom-SallyportAudit';
const apiVersion = '2023-01-01';

/**
 * A sink that sends each record as a row of `SallyportAudit_CL`, through the Logs Ingestion API of Azure Monitor.
 * Not compressed: the limit counts both forms, and within a region bytes cost nothing.
 *
 * Throws if the address cannot be used. `send` throws an Error with Azure's status, code and words; what it had sent by
 * then may be sent again by the next.
 */
export function createAuditCopy(options: AuditCopyOptions): AuditSink {
  const { endpoint, ruleId, timeoutMilliseconds = 30_000, ...connection } = options;
  const origin = checkedOrigin(endpoint);
  const url = `${origin}/dataCollectionRules/${encodeURIComponent(ruleId)}/streams/${stream}?api-version=${apiVersion}`;
  const ask = createTokenPipeline({ ...connection, scope: scopeOf(origin) });

  async function post(body: string): Promise<void> {
    const { createHttpHeaders } = await import('@azure/core-rest-pipeline');
    const headers = createHttpHeaders({ 'content-type': 'application/json' });
    const answer = await within(timeoutMilliseconds, (abortSignal) =>
      ask({ url, method: 'POST', headers, body, abortSignal }),
    );
    if (answer.status === 204) return;
    const { status, bodyAsText, headers: answered } = answer;
    const { code, message } = problemOfAnswer(status, bodyAsText, answered.get('retry-after'));
    throw new Error(`Azure Monitor refused or failed: ${status} ${code}: ${message}`);
  }

  return {
    name: 'log-analytics',
    async send(records) {
      // One after the other: a record never comes before the one that it follows.
      for (const body of rowsOf(records)) await post(body);
    },
  };
}

function checkedOrigin(endpoint: string): string {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url?.protocol !== 'https:' || url.href !== `${url.origin}/`) {
    throw new Error('The address for the audit copy must be an https origin without path, query or user.');
  }
  return url.origin;
}

/** Sovereign clouds have an audience of their own under the same name as their endpoints. */
function scopeOf(origin: string): string {
  const cloud = /\.ingest\.(monitor\.azure\.(?:us|cn))$/.exec(new URL(origin).hostname)?.[1];
  return `https://${cloud ?? 'monitor.azure.com'}/.default`;
}
