import type { Mutant } from './mutant.ts';

const write = 'test/adapters/arm/writeNsg.test.ts';
const token = 'test/adapters/tokens/tokenVerifier.test.ts';

/** Of what talks to Azure, and of what people send. */
export const outsideMutants: readonly Mutant[] = [
  {
    id: 'no-if-match',
    what: 'an NSG is written without If-Match',
    breaks: 'I3',
    file: 'src/adapters/arm/nsg.ts',
    edits: [{ text: "const headers = { 'if-match': nsg.etag };", replacement: 'const headers = {};' }],
    hunters: [write],
  },
  {
    id: 'conflict-is-refusal',
    what: 'a 412 counts as a refusal for good',
    breaks: 'I10',
    file: 'src/adapters/arm/nsg.ts',
    edits: [{ text: "if (status === 412) return { kind: 'changed-meanwhile' };", replacement: '' }],
    hunters: ['test/adapters/arm/arm.test.ts', 'test/workflow/reconcile.test.ts'],
  },
  {
    id: 'lock-is-quota',
    what: 'a 429 for a locked parent counts as a quota',
    breaks: 'I10',
    file: 'src/adapters/arm/nsg.ts',
    edits: [
      {
        text: "if (isLock(problem)) return { kind: 'locked', ...retryAfter(problem, defaultLockSeconds), message };",
        replacement: '',
      },
    ],
    hunters: [write],
  },
  {
    id: 'canceled-is-settled',
    what: 'a canceled operation counts as settled',
    breaks: 'I5',
    file: 'src/adapters/arm/followOperation.ts',
    edits: [
      {
        text: "if (status === 'succeeded') return",
        replacement: "if (status === 'succeeded' || status === 'canceled') return",
      },
    ],
    hunters: [write],
  },
  {
    id: 'superseded-is-refusal',
    what: 'a superseded operation counts as a refusal for good',
    breaks: 'I10',
    file: 'src/adapters/arm/followOperation.ts',
    edits: [
      { text: "status === 'canceled' || code === '' || transient.test(code)", replacement: "code === ''" },
    ],
    hunters: [write],
  },
  {
    id: 'operation-anywhere',
    what: 'an operation is followed to wherever an answer points, with our token',
    breaks: 'I9',
    file: 'src/adapters/arm/followOperation.ts',
    edits: [
      { text: 'if (!isOfOrigin(operation.url, origin)) {', replacement: 'if (operation.url === origin) {' },
    ],
    hunters: ['test/adapters/arm/followOperation.test.ts', 'test/adapters/arm/arm.test.ts'],
  },
  {
    id: 'audience-not-asked',
    what: 'tokens for other applications are believed',
    breaks: 'authentication',
    file: 'src/adapters/tokens/tokenVerifier.ts',
    edits: [{ text: '          audience: settings.audience,\n', replacement: '' }],
    hunters: ['G', token],
  },
  {
    id: 'issuer-not-asked',
    what: 'tokens of whoever has the key are believed',
    breaks: 'authentication',
    file: 'src/adapters/tokens/tokenVerifier.ts',
    edits: [{ text: '          issuer: settings.issuer,\n', replacement: '' }],
    hunters: ['G', token],
  },
  {
    id: 'tenant-not-asked',
    what: 'people of other tenants are believed',
    breaks: 'authentication',
    file: 'src/adapters/tokens/tokenVerifier.ts',
    edits: [
      {
        text: 'tid.toLowerCase() !== tenantId.toLowerCase()',
        replacement: 'tenantId === ""',
      },
    ],
    hunters: ['G', token],
  },
  {
    id: 'end-of-token-not-asked',
    what: 'tokens without an end are believed',
    breaks: 'authentication',
    file: 'src/adapters/tokens/tokenVerifier.ts',
    edits: [{ text: "requiredClaims: ['exp', 'oid', 'tid']", replacement: "requiredClaims: ['oid', 'tid']" }],
    hunters: ['G', token],
  },
  {
    id: 'any-actor',
    what: 'an object id may be any text, such as one of our own actors',
    breaks: 'I6',
    file: 'src/adapters/tokens/tokenVerifier.ts',
    edits: [{ text: "typeof oid !== 'string' || !isGuid(oid)", replacement: "typeof oid !== 'string'" }],
    hunters: ['G', token],
  },
  {
    id: 'principal-always-believed',
    what: 'the identity header is believed where nobody vouches for it',
    breaks: 'authentication',
    file: 'src/http/authenticate.ts',
    edits: [
      {
        text: 'trustAppServiceAuthentication ? readAppServicePrincipal',
        replacement: 'tenantId ? readAppServicePrincipal',
      },
    ],
    hunters: ['G', 'test/http/authenticate.test.ts'],
  },
  {
    id: 'two-principals',
    what: 'an identity that names two people is believed',
    breaks: 'authentication',
    file: 'src/http/appServicePrincipal.ts',
    edits: [{ text: 'objectIds.size !== 1 || !isGuid(objectId)', replacement: '!isGuid(objectId)' }],
    hunters: ['G', 'test/http/authenticate.test.ts'],
  },
  {
    id: 'two-tenants',
    what: 'an identity that names two tenants is believed',
    breaks: 'authentication',
    file: 'src/http/appServicePrincipal.ts',
    edits: [{ text: 'tenantIds.size !== 1 || ', replacement: '' }],
    hunters: ['G', 'test/http/authenticate.test.ts'],
  },
  {
    id: 'any-provider',
    what: 'an identity of any provider is believed',
    breaks: 'authentication',
    file: 'src/http/appServicePrincipal.ts',
    edits: [{ text: "auth_typ: z.literal('aad'),", replacement: 'auth_typ: z.string(),' }],
    hunters: ['G', 'test/http/authenticate.test.ts'],
  },
  {
    id: 'leftmost-address-believed',
    what: 'whoever calls is where the first entry of x-forwarded-for says, which they write themselves',
    breaks: 'I2',
    file: 'src/http/callerAddress.ts',
    edits: [{ text: 'entries.at(-trustedProxyHops)', replacement: 'entries.at(0)' }],
    hunters: ['test/http/callerAddress.test.ts'],
  },
  {
    id: 'any-topic',
    what: 'an event of any topic is a hint',
    breaks: 'denial of service',
    file: 'src/core/networkHint.ts',
    edits: [{ text: "if (!isExpected) return { ignored: 'unexpected-topic' };", replacement: '' }],
    hunters: ['test/core/networkHint.test.ts'],
  },
  {
    id: 'everybodys-requests',
    what: "anybody may see anybody's request",
    breaks: 'authorization',
    file: 'src/http/visibleRequest.ts',
    edits: [
      {
        text: '  if (waitingApproval(request) === undefined) return { ok: false, problem: notFound };',
        replacement: '  if (waitingApproval(request) === undefined) return { ok: true, request };',
      },
    ],
    hunters: ['G', 'test/http/accessRequests.test.ts'],
  },
  {
    id: 'everybodys-audit',
    what: "a filter of one's own shows others' records",
    breaks: 'authorization',
    file: 'src/http/audit.ts',
    edits: [
      {
        text: 'page.records.filter((record) => everybodys || record.requester?.objectId === own)',
        replacement: 'page.records',
      },
    ],
    hunters: ['test/http/audit.test.ts'],
  },
  {
    id: 'unknown-fields',
    what: 'fields that are not known are ignored',
    breaks: 'I2',
    file: 'src/http/accessRequestBody.ts',
    edits: [{ text: 'const port = z.strictObject({', replacement: 'const port = z.object({' }],
    hunters: ['test/http/accessRequestBody.test.ts'],
  },
  {
    id: 'endless-body',
    what: 'a body of any size is read',
    breaks: 'denial of service',
    file: 'src/http/readBody.ts',
    edits: [{ text: 'bytes.byteLength > maximumBodyBytes', replacement: 'bytes.byteLength < 0' }],
    hunters: ['test/http/refusedAccessRequests.test.ts', 'test/http/accessRequestBody.test.ts'],
  },
  {
    id: 'exception-told',
    what: 'an answer tells what was thrown',
    breaks: 'I9',
    file: 'src/http/handleCall.ts',
    edits: [
      {
        text: "const detail = 'The details are in the log under the correlation id.';",
        replacement: 'const detail = stack;',
      },
    ],
    hunters: ['test/http/audit.test.ts', 'test/http/accessRequests.test.ts'],
  },
];
