import { accessRequestOperations } from './accessRequestOperations.ts';
import { createAccessRequestHandlers } from './accessRequests.ts';
import type { AccessRequestDependencies } from './accessRequests.ts';
import { createAuditHandler } from './audit.ts';
import type { AuditDependencies } from './audit.ts';
import { auditOperations } from './auditOperations.ts';
import { extensionOperations } from './extensionOperations.ts';
import { createExtensionHandlers } from './extensions.ts';
import { decisionOperations } from './decisionOperations.ts';
import { createDecisionHandlers } from './decisions.ts';
import { createHealthHandlers } from './health.ts';
import type { HealthDependencies } from './health.ts';
import { healthOperations } from './healthOperations.ts';
import { createOpenApiHandler } from './openApi.ts';
import { openApiOperations } from './openApiOperations.ts';
import { recommendationOperations } from './recommendationOperations.ts';
import { createRecommendationHandlers } from './recommendations.ts';
import type { RecommendationDependencies } from './recommendations.ts';
import { routesOf } from './operation.ts';
import { createPolicyHandlers } from './policies.ts';
import type { PolicyDependencies } from './policies.ts';
import { policyOperations } from './policyOperations.ts';
import type { Route } from './operation.ts';

export interface RouteDependencies
  extends
    AccessRequestDependencies,
    AuditDependencies,
    HealthDependencies,
    PolicyDependencies,
    RecommendationDependencies {}

/**
 * Every route of the app, with what is said of it. Only Microsoft's own API (/api/arm) is not here: its description is
 * Microsoft's.
 */
export function createRoutes(dependencies: RouteDependencies): Route[] {
  const described: Route[] = [
    ...routesOf(accessRequestOperations, createAccessRequestHandlers(dependencies)),
    ...routesOf(extensionOperations, createExtensionHandlers(dependencies)),
    ...routesOf(decisionOperations, createDecisionHandlers(dependencies)),
    ...routesOf(policyOperations, createPolicyHandlers(dependencies)),
    ...routesOf(recommendationOperations, createRecommendationHandlers(dependencies)),
    ...routesOf(auditOperations, { readAudit: createAuditHandler(dependencies) }),
    ...routesOf(healthOperations, createHealthHandlers(dependencies)),
  ];
  const operations = [...described.map(({ operation }) => operation), ...Object.values(openApiOperations)];
  return [...described, ...routesOf(openApiOperations, { openApi: createOpenApiHandler(operations) })];
}
