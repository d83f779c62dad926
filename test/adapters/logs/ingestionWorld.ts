import { afterAll, beforeAll } from 'vitest';
import type { TokenCredential } from '@azure/core-auth';
import { startIdentity, type Identity } from '../../../dev/identity/server.ts';
import { claimsOfApp } from '../../../dev/identity/tokens.ts';
import { startIngestion, type Ingestion } from '../../../dev/logs/ingestion.ts';
import { appIdentity } from '../../../dev/sample/people.ts';
import { createAuditCopy, type AuditCopyOptions } from '../../../src/adapters/logs/auditCopy.ts';
import type { AuditSink } from '../../../src/core/auditSink.ts';
import { ofType, snapshotOf } from '../../infra/snapshots.ts';
import { trusting } from '../arm/simulatedArm.ts';

export const ruleId = 'dcr-00000000000000000000000000000001';

/** The columns that the template declares for the stream. */
function columnsOfTemplate(): string[] {
  const [rule] = ofType(snapshotOf('everything'), 'Microsoft.Insights/dataCollectionRules');
  const streams = rule?.properties['streamDeclarations'] as Record<string, { columns: { name: string }[] }>;
  return streams['Custom-SallyportAudit']?.columns.map(({ name }) => name) ?? [];
}

export interface IngestionWorld {
  ingestion: Ingestion;
  publishers: Set<string>;
  /** A token as the app's identity gets it from the issuer. */
  credential: TokenCredential;
  sink: (options?: Partial<AuditCopyOptions>) => AuditSink;
}

/** The stand-in of the Logs Ingestion API with the rule of the template, and an identity that may publish. */
export function useIngestion(): () => IngestionWorld {
  let identity: Identity | undefined;
  let world: IngestionWorld | undefined;
  beforeAll(async () => {
    const issuer = await startIdentity();
    identity = issuer;
    const publishers = new Set<string>([appIdentity.objectId]);
    const rules = { [ruleId]: { 'Custom-SallyportAudit': columnsOfTemplate() } };
    const ingestion = await startIngestion({ issuer: issuer.issuer, rules, publishers });
    const credential: TokenCredential = {
      getToken: async (scopes) => {
        const resource = String(scopes).replace(/\/\.default$/, '');
        const token = await issuer.sign(claimsOfApp(issuer, resource));
        return { token, expiresOnTimestamp: Date.now() + 3_600_000 };
      },
    };
    const sink: IngestionWorld['sink'] = (options = {}) =>
      createAuditCopy({
        endpoint: ingestion.url,
        ruleId,
        credential,
        httpClient: trusting(ingestion.certificate),
        retryDelayMilliseconds: 5,
        ...options,
      });
    world = { ingestion, publishers, credential, sink };
  });
  afterAll(async () => {
    await world?.ingestion.stop();
    await identity?.stop();
  });
  return () => {
    if (world === undefined) throw new Error('The stand-in has not started yet.');
    return world;
  };
}
