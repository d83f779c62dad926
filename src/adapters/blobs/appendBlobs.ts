import { buffer } from 'node:stream/consumers';
import type { TokenCredential } from '@azure/core-auth';
import type { HttpClient, PipelineResponse } from '@azure/core-rest-pipeline';
import { parseRetryAfter } from '../arm/problem.ts';
import { createTokenPipeline } from '../tokenPipeline.ts';
import { BlobServiceError } from './blobServiceError.ts';

export interface BlobContainer {
  /** The container's https address, without a signature: the credential is all that opens it. */
  url: string;
  credential: TokenCredential;
  /** Sends the requests, where the default client of the SDK cannot: tests trust a throw-away certificate with it. */
  httpClient?: HttpClient;
  /** Before the second try of a call, doubled before each further one. */
  retryDelayMilliseconds?: number;
}

/** How far an append blob has come. */
export interface BlobEnd {
  bytes: number;
  blocks: number;
}

export type AppendAnswer =
  | { kind: 'appended'; blocks: number }
  /** The blob does not end at that position (any more). */
  | { kind: 'moved' }
  | { kind: 'gone' }
  /** The blob takes no block at all (any more). */
  | { kind: 'closed' }
  | { kind: 'too-large' };

/** The calls on append blobs of one container. All throw BlobServiceError for an answer that they do not return. */
export interface AppendBlobs {
  /** `closed`: what is there takes no block. */
  end(name: string, signal: AbortSignal): Promise<BlobEnd | 'absent' | 'closed'>;
  /** Makes an empty append blob, unless there is something of that name. */
  create(name: string, signal: AbortSignal): Promise<'created' | 'exists'>;
  /** Appends a block if the blob ends at the position. The service stores the whole block or nothing of it. */
  append(name: string, position: number, block: Buffer, signal: AbortSignal): Promise<AppendAnswer>;
  /** Whether just these bytes stand at the position. */
  holds(name: string, position: number, bytes: Buffer, signal: AbortSignal): Promise<boolean>;
}

const scope = 'https://storage.azure.com/.default';
/** Of the service's REST API. */
const version = '2023-11-03';

/** What somebody with more rights than ours can do to a blob of ours, and that it is full. */
const closedCodes = new Set([
  'BlobArchived',
  'BlobBeingRehydrated',
  'BlobIsSealed',
  'BlockCountExceedsLimit',
  'InvalidBlobType',
  'LeaseIdMissing',
]);

/** Loads the SDK's pipeline with the first call. Throws at once if the address is none that a token may be sent to. */
export function openAppendBlobs(container: BlobContainer): AppendBlobs {
  const base = checkedAddress(container.url);
  // The position makes an append safe to repeat, and If-None-Match a creation.
  const sendRequest = createTokenPipeline({ ...container, scope });

  async function ask(
    method: 'GET' | 'HEAD' | 'PUT',
    path: string,
    signal: AbortSignal,
    { headers, body }: { headers?: Record<string, string>; body?: Buffer } = {},
  ): Promise<PipelineResponse> {
    const { createHttpHeaders } = await import('@azure/core-rest-pipeline');
    return sendRequest({
      url: `${base}/${path}`,
      method,
      headers: createHttpHeaders({ 'x-ms-version': version, ...headers }),
      abortSignal: signal,
      ...(body === undefined ? {} : { body }),
      // As bytes: text that was decoded may be equal where the bytes are not.
      ...(method === 'GET' ? { streamResponseStatusCodes: new Set([206]) } : {}),
    });
  }

  return {
    async end(name, signal) {
      const answer = await ask('HEAD', name, signal);
      if (answer.status === 404 && codeOf(answer) !== 'ContainerNotFound') return 'absent';
      if (answer.status !== 200) throw refusal(base, answer);
      const { headers } = answer;
      const bytes = Number(headers.get('content-length') ?? NaN);
      const blocks = Number(headers.get('x-ms-blob-committed-block-count') ?? NaN);
      if (headers.get('x-ms-blob-type') !== 'AppendBlob') return 'closed';
      if (!Number.isSafeInteger(bytes) || !Number.isSafeInteger(blocks)) {
        throw new Error(`The blob service does not say how long ${name} is.`);
      }
      return { bytes, blocks };
    },

    async create(name, signal) {
      const headers = {
        'if-none-match': '*',
        'content-length': '0',
        'x-ms-blob-type': 'AppendBlob',
        'x-ms-blob-content-type': 'application/x-ndjson',
      };
      const answer = await ask('PUT', name, signal, { headers });
      if (answer.status === 201) return 'created';
      // To overwrite is what neither our role nor the policy allows: which of the three is asked first is Azure's affair.
      if (answer.status === 409 && codeOf(answer) === 'BlobAlreadyExists') return 'exists';
      if (answer.status === 409 && codeOf(answer) === 'BlobImmutableDueToPolicy') return 'exists';
      if (answer.status === 403 && codeOf(answer) === 'UnauthorizedBlobOverwrite') return 'exists';
      throw refusal(base, answer);
    },

    async append(name, position, block, signal) {
      const headers = {
        'content-length': String(block.length),
        'content-type': 'application/octet-stream',
        'x-ms-blob-condition-appendpos': String(position),
      };
      const answer = await ask('PUT', `${name}?comp=appendblock`, signal, { headers, body: block });
      const code = codeOf(answer);
      if (answer.status === 201) {
        return { kind: 'appended', blocks: Number(answer.headers.get('x-ms-blob-committed-block-count')) };
      }
      if (code === 'AppendPositionConditionNotMet') return { kind: 'moved' };
      if (code === 'BlobNotFound') return { kind: 'gone' };
      if (closedCodes.has(code)) return { kind: 'closed' };
      if (answer.status === 413) return { kind: 'too-large' };
      throw refusal(base, answer);
    },

    async holds(name, position, bytes, signal) {
      const headers = { range: `bytes=${position}-${position + bytes.length - 1}` };
      const answer = await ask('GET', name, signal, { headers });
      // 416: it ends before that position.
      if (answer.status === 404 || answer.status === 416) return false;
      if (answer.status !== 206) throw refusal(base, answer);
      const { readableStreamBody } = answer;
      return readableStreamBody !== undefined && (await buffer(readableStreamBody)).equals(bytes);
    },
  };
}

function codeOf(answer: PipelineResponse): string {
  return answer.headers.get('x-ms-error-code') ?? '';
}

function refusal(container: string, answer: PipelineResponse): BlobServiceError {
  const retryAfter = parseRetryAfter(answer.headers.get('retry-after'));
  return new BlobServiceError(container, answer.status, codeOf(answer), retryAfter);
}

function checkedAddress(address: string): string {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const path = url?.pathname.replace(/\/$/, '') ?? '';
  if (url?.protocol !== 'https:' || path === '' || url.href !== `${url.origin}${url.pathname}`) {
    throw new Error(
      'The container for the audit export must be an https address without query, signature or user.',
    );
  }
  return `${url.origin}${path}`;
}
