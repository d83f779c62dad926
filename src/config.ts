import * as z from 'zod';
import type { Band } from './core/band.ts';
import type { Installation } from './core/installation.ts';
import { isEventTopic } from './core/networkHint.ts';
import { isResourceGroupId } from './core/resourceGroupId.ts';
import { isResourceManagerAudience } from './core/resourceManagerAudience.ts';
import type { Quotas } from './core/quotas.ts';
import { periodOf } from './core/sweepSchedule.ts';

export interface Config {
  installation: Installation;
  token: { tenantId: string; issuer: string; audience: string; jwksUri?: string };
  trustAppServiceAuthentication: boolean;
  /** How many proxies before the app append to X-Forwarded-For what is so; 0: none is known. */
  trustedProxyHops: number;
  /** Where callers reach the app, without a path: what links in answers begin with. */
  publicOrigin?: string;
  /** `readerGroups`: ids of the resource groups that the app may read; their subscriptions are not read as a whole. */
  arm: { endpoint: string; networkApiVersion: string; readerGroups: string[] };
  credential: { kind: 'managed-identity' | 'azure-cli'; clientId?: string };
  tables: { connectionString: string } | { serviceUri: string };
  sweepSchedule: string;
  /** Sources of the system topics whose events are believed. */
  eventTopics: string[];
  /** How often that is. */
  sweepPeriodSeconds: number;
  /** A request that needs approval and has not got it ends after so many seconds. */
  approvalSeconds: number;
  /** How long before its end a grant is said to end soon; 0: never. */
  warnSeconds: number;
  /** TCP ports that `/api/recommendations` looks for. */
  managementPorts: number[];
  /** Whether security admin rules of Virtual Network Manager are read. */
  readsAdminRules: boolean;
  /** Where the audit is copied to in Log Analytics; left out: nowhere. */
  auditCopy?: { endpoint: string; ruleId: string };
  /** The container that the audit is exported to; left out: none. */
  auditExport?: { url: string };
  quotas: Quotas;
}

/** Every problem of the settings at once, each naming the setting and the fix. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
}

const band = z
  .string()
  .regex(/^\d{3,4}-\d{3,4}$/, 'write it as first-last, such as 100-249')
  .transform((text): Band => {
    const [first, last] = text.split('-').map(Number) as [number, number];
    return { first, last };
  })
  .refine(
    ({ first, last }) => first >= 100 && last <= 4096 && first <= last,
    'priorities go from 100 to 4096',
  );

/** An https address; plain http only on loopback, where no token can leak to the network. */
const address = z.string().refine((text) => {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return (
    protocol === 'https:' || (protocol === 'http:' && /^(localhost|127\.0\.0\.1|\[::1\])$/.test(hostname))
  );
}, 'must be an https address (http only on loopback)');

/** Of storage and telemetry, which our token is sent to: never plain http, and no signature in it. */
const secureAddress = z
  .url({ protocol: /^https$/, error: 'must be an https address' })
  .refine((text) => URL.canParse(text) && new URL(text).href.split(/[?#@]/).length === 1, {
    error: 'must have neither query nor user',
  });

const flag = z.enum(['true', 'false']).transform((text) => text === 'true');

const whole = (first: number, last: number) =>
  z
    .string()
    .regex(/^\d{1,5}$/, 'must be a whole number')
    .transform(Number)
    .refine((value) => value >= first && value <= last, `must be from ${first} to ${last}`);

const topics = z
  .string()
  .transform((text) => text.split(',').map((topic) => topic.trim()))
  .refine(
    (all) => all.every(isEventTopic),
    'list sources of system topics, separated by commas: /subscriptions/{id}, or a resource group of one',
  );

const readerGroups = z
  .string()
  .transform((text) => text.split(',').map((id) => id.trim()))
  .refine(
    (all) => all.every(isResourceGroupId),
    'list ids of resource groups, separated by commas: /subscriptions/{id}/resourceGroups/{name}',
  );

const managementPorts = z
  .string()
  .regex(/^\d{1,5}(,\d{1,5}){0,19}$/, 'list at most 20 ports, separated by commas: 22,3389')
  .transform((text) => [...new Set(text.split(',').map(Number))])
  .refine((ports) => ports.every((port) => port >= 1 && port <= 65535), 'ports are from 1 to 65535');

const schema = z
  .object({
    SALLYPORT_INSTALLATION_ID: z
      .string()
      .regex(
        /^[a-z0-9]{1,12}$/,
        '1 to 12 lower-case letters and digits, unique among installations that share an NSG',
      ),
    SALLYPORT_TENANT_ID: z.guid('the id of the Entra tenant whose people may ask'),
    SALLYPORT_TOKEN_ISSUER: address,
    SALLYPORT_TOKEN_AUDIENCE: z
      .string()
      .min(1, 'the audience that tokens must carry, such as api://sallyport')
      .refine(
        (audience) => !isResourceManagerAudience(audience),
        'must not be that of Azure Resource Manager, whose tokens nobody may send here',
      ),
    SALLYPORT_TOKEN_JWKS_URI: address.optional(),
    SALLYPORT_TRUST_APP_SERVICE_AUTHENTICATION: flag.default(false),
    SALLYPORT_TRUSTED_PROXY_HOPS: z
      .string()
      .regex(/^(0|[1-9]|10)$/, 'how many proxies stand before the app, 0 to 10')
      .default('0'),
    SALLYPORT_PUBLIC_ORIGIN: address
      .refine((text) => URL.canParse(text) && new URL(text).origin === text.replace(/\/$/, ''), {
        error: 'write the origin alone, such as https://sallyport.contoso.example',
      })
      .optional(),
    SALLYPORT_ARM_ENDPOINT: z
      .url({ protocol: /^https$/, error: 'must be an https address' })
      .default('https://management.azure.com'),
    SALLYPORT_NETWORK_API_VERSION: z
      .string()
      .regex(/^\d{4}-\d{2}-\d{2}$/, 'an api-version such as 2025-05-01')
      .default('2025-05-01'),
    SALLYPORT_READER_GROUPS: readerGroups.default([]),
    SALLYPORT_CREDENTIAL: z.enum(['managed-identity', 'azure-cli']).default('managed-identity'),
    SALLYPORT_CLIENT_ID: z.guid('the client id of the user-assigned identity').optional(),
    SALLYPORT_TABLES: z.string().min(1).optional(),
    SALLYPORT_TABLES__tableServiceUri: address.optional(),
    SALLYPORT_SWEEP_SCHEDULE: z
      .string()
      .default('0 * * * * *')
      .refine(
        (text) => periodOf(text) !== undefined,
        'must run evenly and at least every five minutes, such as 0 * * * * * or */20 * * * * *',
      ),
    SALLYPORT_EVENT_TOPICS: topics.default([]),
    SALLYPORT_APPROVAL_HOURS: whole(1, 168).default(24),
    SALLYPORT_WARN_MINUTES: whole(0, 60).default(5),
    SALLYPORT_MANAGEMENT_PORTS: managementPorts.default([22, 3389, 5985, 5986]),
    SALLYPORT_ADMIN_RULES: z.enum(['check', 'off']).default('check'),
    SALLYPORT_AUDIT_COPY_ENDPOINT: secureAddress
      .refine((text) => !URL.canParse(text) || new URL(text).pathname === '/', {
        error: 'write the origin alone, such as https://contoso.westeurope-1.ingest.monitor.azure.com',
      })
      .optional(),
    SALLYPORT_AUDIT_COPY_RULE: z
      .string()
      .regex(/^dcr-[0-9a-f]{32}$/, 'the immutable id of the data collection rule, dcr- and 32 digits')
      .optional(),
    SALLYPORT_AUDIT_EXPORT_CONTAINER: secureAddress
      .refine((text) => !URL.canParse(text) || /^\/.*[^/]/.test(new URL(text).pathname), {
        error:
          'write the address of the container, such as https://contoso.blob.core.windows.net/audit-export',
      })
      .optional(),
    SALLYPORT_REQUESTS_PER_MINUTE: whole(1, 1_000).default(30),
    SALLYPORT_LIVE_GRANTS_PER_PERSON: whole(1, 1_000).default(20),
    SALLYPORT_LIVE_GRANTS_PER_NSG: whole(1, 1_000).default(200),
    SALLYPORT_ALLOW_BAND: band.default({ first: 100, last: 249 }),
    SALLYPORT_BASELINE_BAND: band.default({ first: 250, last: 299 }),
  })
  .superRefine((settings, context) => {
    if (
      (settings.SALLYPORT_TABLES === undefined) ===
      (settings.SALLYPORT_TABLES__tableServiceUri === undefined)
    ) {
      context.addIssue({
        code: 'custom',
        path: ['SALLYPORT_TABLES'],
        message:
          'set either SALLYPORT_TABLES (a connection string) or SALLYPORT_TABLES__tableServiceUri (an address, with a managed identity)',
      });
    }
    if (
      (settings.SALLYPORT_AUDIT_COPY_ENDPOINT === undefined) !==
      (settings.SALLYPORT_AUDIT_COPY_RULE === undefined)
    ) {
      context.addIssue({
        code: 'custom',
        path: ['SALLYPORT_AUDIT_COPY_RULE'],
        message: 'set both SALLYPORT_AUDIT_COPY_ENDPOINT and SALLYPORT_AUDIT_COPY_RULE, or neither',
      });
    }
    if (settings.SALLYPORT_BASELINE_BAND.first !== settings.SALLYPORT_ALLOW_BAND.last + 1) {
      context.addIssue({
        code: 'custom',
        path: ['SALLYPORT_BASELINE_BAND'],
        message:
          'must begin directly after SALLYPORT_ALLOW_BAND: a deny between the two would shut out grants',
      });
    }
  });

/**
 * Reads the settings. An empty value counts as not set, because the portal cannot store "not set" otherwise.
 * Throws ConfigurationError with every problem; values are never in the message, they may be secret.
 */
export function readConfig(environment: Record<string, string | undefined> = process.env): Config {
  const settings = Object.fromEntries(
    Object.entries(environment).filter(([name, value]) => name.startsWith('SALLYPORT_') && value !== ''),
  );
  const parsed = schema.safeParse(settings);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => {
      const name = issue.path.join('.');
      return settings[name] === undefined && issue.code === 'invalid_type'
        ? `  ${name} is required`
        : `  ${name}: ${issue.message}`;
    });
    throw new ConfigurationError(`Sallyport cannot start, its settings are wrong:\n${problems.join('\n')}`);
  }
  const value = parsed.data;
  return {
    installation: {
      id: value.SALLYPORT_INSTALLATION_ID,
      allowBand: value.SALLYPORT_ALLOW_BAND,
      baselineBand: value.SALLYPORT_BASELINE_BAND,
    },
    token: {
      tenantId: value.SALLYPORT_TENANT_ID,
      issuer: value.SALLYPORT_TOKEN_ISSUER,
      audience: value.SALLYPORT_TOKEN_AUDIENCE,
      ...(value.SALLYPORT_TOKEN_JWKS_URI === undefined ? {} : { jwksUri: value.SALLYPORT_TOKEN_JWKS_URI }),
    },
    trustAppServiceAuthentication: value.SALLYPORT_TRUST_APP_SERVICE_AUTHENTICATION,
    trustedProxyHops: Number(value.SALLYPORT_TRUSTED_PROXY_HOPS),
    ...(value.SALLYPORT_PUBLIC_ORIGIN === undefined
      ? {}
      : { publicOrigin: value.SALLYPORT_PUBLIC_ORIGIN.replace(/\/$/, '') }),
    arm: {
      endpoint: value.SALLYPORT_ARM_ENDPOINT.replace(/\/+$/, ''),
      networkApiVersion: value.SALLYPORT_NETWORK_API_VERSION,
      readerGroups: value.SALLYPORT_READER_GROUPS,
    },
    credential: {
      kind: value.SALLYPORT_CREDENTIAL,
      ...(value.SALLYPORT_CLIENT_ID === undefined ? {} : { clientId: value.SALLYPORT_CLIENT_ID }),
    },
    tables:
      value.SALLYPORT_TABLES === undefined
        ? { serviceUri: value.SALLYPORT_TABLES__tableServiceUri ?? '' }
        : { connectionString: value.SALLYPORT_TABLES },
    sweepSchedule: value.SALLYPORT_SWEEP_SCHEDULE,
    eventTopics: value.SALLYPORT_EVENT_TOPICS,
    // What passed the schema has a period.
    sweepPeriodSeconds: periodOf(value.SALLYPORT_SWEEP_SCHEDULE) ?? 60,
    approvalSeconds: value.SALLYPORT_APPROVAL_HOURS * 3600,
    warnSeconds: value.SALLYPORT_WARN_MINUTES * 60,
    managementPorts: value.SALLYPORT_MANAGEMENT_PORTS,
    readsAdminRules: value.SALLYPORT_ADMIN_RULES === 'check',
    ...(value.SALLYPORT_AUDIT_COPY_ENDPOINT !== undefined &&
      value.SALLYPORT_AUDIT_COPY_RULE !== undefined && {
        auditCopy: {
          endpoint: value.SALLYPORT_AUDIT_COPY_ENDPOINT,
          ruleId: value.SALLYPORT_AUDIT_COPY_RULE,
        },
      }),
    ...(value.SALLYPORT_AUDIT_EXPORT_CONTAINER !== undefined && {
      auditExport: { url: value.SALLYPORT_AUDIT_EXPORT_CONTAINER },
    }),
    quotas: {
      requestsPerMinute: value.SALLYPORT_REQUESTS_PER_MINUTE,
      liveGrantsPerPerson: value.SALLYPORT_LIVE_GRANTS_PER_PERSON,
      liveGrantsPerNsg: value.SALLYPORT_LIVE_GRANTS_PER_NSG,
    },
  };
}
