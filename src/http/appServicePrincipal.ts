import * as z from 'zod';
import type { HttpRequest } from '@azure/functions';
import { isGuid } from '../core/caller.ts';
import type { Caller, VerifyResult } from '../core/caller.ts';
import { toPlainText } from '../core/plainText.ts';

/**
 * The identity that App Service authentication puts in front of the app. The header is unsigned: whoever can reach
 * the app past App Service can write what they like into it, so it is read only where a setting says that nobody can.
 * `request.user` of the Functions library is not used: it throws on a header that is half there.
 */
const header = 'x-ms-client-principal';
const maximumLength = 32_768;
const maximumNameLength = 256;

const principal = z.object({
  // Another provider's claims may carry an `oid` that its users choose themselves.
  auth_typ: z.literal('aad'),
  claims: z.array(z.object({ typ: z.string(), val: z.string() })).max(2_000),
});

const claimNames = {
  objectId: ['http://schemas.microsoft.com/identity/claims/objectidentifier', 'oid'],
  tenantId: ['http://schemas.microsoft.com/identity/claims/tenantid', 'tid'],
  displayName: ['name', 'preferred_username'],
  role: ['roles', 'http://schemas.microsoft.com/ws/2008/06/identity/claims/role'],
  subject: ['http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier', 'sub'],
  identityType: ['idtyp'],
};

/** The caller that App Service names; undefined where the header is absent. */
export function readAppServicePrincipal(request: HttpRequest, tenantId: string): VerifyResult | undefined {
  const encoded = request.headers.get(header);
  if (encoded === null) return undefined;
  const claims = decode(encoded);
  if (claims === undefined) return { kind: 'refused', code: 'principal-malformed' };
  const all = (names: readonly string[]) =>
    claims.filter(({ typ }) => names.includes(typ)).map(({ val }) => val);
  const objectIds = new Set(all(claimNames.objectId).map((id) => id.toLowerCase()));
  const tenantIds = new Set(all(claimNames.tenantId).map((id) => id.toLowerCase()));
  const [objectId = ''] = objectIds;
  if (objectIds.size !== 1 || !isGuid(objectId)) return { kind: 'refused', code: 'principal-malformed' };
  if (tenantIds.size !== 1 || !tenantIds.has(tenantId.toLowerCase())) {
    return { kind: 'refused', code: 'token-tenant-wrong' };
  }
  const named = request.headers.get(`${header}-id`);
  if (named !== null && named.toLowerCase() !== objectId)
    return { kind: 'refused', code: 'principal-mismatch' };
  const displayName = toPlainText(all(claimNames.displayName)[0] ?? '', maximumNameLength);
  // A browser's session has no scope, so its absence tells nothing here. The subject of an application is its object
  // id; that of a person differs with the application they sign in to.
  const isApplication =
    all(claimNames.identityType).includes('app') ||
    all(claimNames.subject).some((subject) => subject.toLowerCase() === objectId);
  const caller: Caller = {
    person: { objectId, tenantId: tenantId.toLowerCase(), displayName: displayName || objectId },
    roles: all(claimNames.role),
    ...(isApplication && { isApplication: true }),
  };
  return { kind: 'verified', caller };
}

function decode(encoded: string): { typ: string; val: string }[] | undefined {
  // Buffer skips what is not base64, such as the comma that joins a header sent twice.
  if (encoded.length > maximumLength || !/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) return undefined;
  try {
    const json: unknown = JSON.parse(Buffer.from(encoded, 'base64').toString('utf8'));
    const read = principal.safeParse(json);
    return read.success ? read.data.claims : undefined;
  } catch {
    return undefined;
  }
}
