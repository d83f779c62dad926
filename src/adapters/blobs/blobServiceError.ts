/** An answer of the blob service with which nothing can be stored: says what to do about it, and quotes no body. */
export class BlobServiceError extends Error {
  override readonly name = 'BlobServiceError';
  readonly retryAfterSeconds: number | undefined;

  constructor(container: string, status: number, code: string, retryAfterSeconds: number | undefined) {
    super(`${container} answered ${`${status} ${code}`.trim()}: ${adviceOn(status, code)}`);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

function adviceOn(status: number, code: string): string {
  if (status === 404) return 'there is no such container. SALLYPORT_AUDIT_EXPORT_CONTAINER names it.';
  if (status === 401) return "the service does not take the token of the app's identity.";
  if (status === 403) {
    return (
      "the app's identity may not read and add blobs there, or the account's network rules keep it out. " +
      'It needs the role of the template on the container.'
    );
  }
  if (code === 'BlobImmutableDueToPolicy' || code === 'BlobImmutableDueToLegalHold') {
    return (
      "the container's policy or legal hold lets no append blob grow: " +
      'allowProtectedAppendWrites must be on.'
    );
  }
  if (status === 429 || status >= 500) {
    return 'the service is busy or faulty. What was not stored is sent again.';
  }
  return 'nothing was stored by that call.';
}
