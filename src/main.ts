/** The only composition root: settings → adapters → registered functions. */
import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { app, type HttpHandler, type HttpMethod, type InvocationContext } from '@azure/functions';
import { createArm } from './adapters/arm/arm.ts';
import { createCredential } from './adapters/arm/credential.ts';
import { createAuditTrail } from './adapters/tables/auditTrail.ts';
import { createLastSweeps } from './adapters/tables/lastSweeps.ts';
import { checkTables } from './adapters/tables/checkTables.ts';
import { createLiveRows } from './adapters/tables/liveRows.ts';
import { createNsgRecords } from './adapters/tables/nsgRecords.ts';
import { createPolicies } from './adapters/tables/policies.ts';
import { createRequests } from './adapters/tables/requests.ts';
import { createSeals } from './adapters/tables/seals.ts';
import { createSweepState } from './adapters/tables/sweepState.ts';
import { ensureTables, openTables } from './adapters/tables/tables.ts';
import { checkSigningKeys } from './adapters/tokens/checkSigningKeys.ts';
import { createTokenVerifier } from './adapters/tokens/tokenVerifier.ts';
import { readConfig } from './config.ts';
import type { Clock } from './core/clock.ts';
import { securityAdminRulesOff } from './core/securityAdminRule.ts';
import { createNetworkChangedHandler } from './events/networkChanged.ts';
import { createAuthenticate } from './http/authenticate.ts';
import type { Operation } from './http/operation.ts';
import { createJitHandler } from './http/jit/jitNetworkAccessPolicies.ts';
import { createTellRefused } from './http/refusedOpens.ts';
import { createRoutes } from './http/routes.ts';
import { createInvocationLog } from './invocationLog.ts';
import { readProgram } from './program.ts';
import { createAccessRequestService } from './workflow/accessRequestService.ts';
import { createUnauthenticatedCounter } from './workflow/countUnauthenticated.ts';
import type { Dependencies } from './workflow/dependencies.ts';
import {
  durableClientInput,
  orchestrationsOf,
  policyRunsOf,
  registerGrantOrchestration,
  registerPolicyOrchestration,
} from './workflow/durable.ts';
import { createFollowHint } from './workflow/followHint.ts';
import { createForeseePolicy } from './workflow/foreseePolicy.ts';
import { createHealth } from './workflow/health.ts';
import { createHeartbeat } from './workflow/heartbeat.ts';
import { createNoteSweep } from './workflow/noteSweep.ts';
import { once } from './workflow/once.ts';
import { createPolicyService } from './workflow/policyService.ts';
import { createPolicyStep } from './workflow/policyStep.ts';
import { createRecommend } from './workflow/recommend.ts';
import { createReconciler } from './workflow/reconciler.ts';
import { createPersonQuota } from './workflow/personQuota.ts';
import { createStep } from './workflow/step.ts';
import { createSweep } from './workflow/sweep.ts';

const config = readConfig();
const log = createInvocationLog();
const clock: Clock = {
  now: () => new Date(),
  sleep: async (milliseconds) => {
    await sleep(milliseconds);
  },
};
const credential = createCredential(config.credential);
const tables = openTables('serviceUri' in config.tables ? { ...config.tables, credential } : config.tables);
const tablesReady = once(() => ensureTables(tables));

const sweepState = createSweepState(tables);
const lastSweeps = createLastSweeps(tables.heartbeat);
const arm = createArm({
  endpoint: config.arm.endpoint,
  credential,
  networkApiVersion: config.arm.networkApiVersion,
  clock,
  userAgent: 'sallyport',
  readerGroups: config.arm.readerGroups,
  onUnlisted: (subscriptionId, cause) => log.warn('subscription-not-listed', { subscriptionId, cause }),
});

const dependencies: Dependencies = {
  requests: createRequests(tables.requests),
  live: createLiveRows(tables.live, log),
  audit: createAuditTrail({ audit: tables.audit, index: tables.index }, () => clock.now()),
  seals: createSeals(tables.seals),
  nsgs: createNsgRecords(tables.nsgs),
  sweepState,
  heartbeat: createHeartbeat({ sweepState, clock, log }, config.sweepPeriodSeconds),
  policies: createPolicies(tables.policies),
  ...arm,
  ...(config.readsAdminRules ? {} : { securityAdminRules: securityAdminRulesOff }),
  clock,
  log,
  installation: config.installation,
  quotas: config.quotas,
  newId: () => randomBytes(16).toString('hex'),
};
const reconcileNsg = createReconciler(dependencies);
const step = createStep(dependencies, reconcileNsg);
const sweep = createSweep(dependencies, {
  step,
  reconcile: reconcileNsg,
  periodSeconds: config.sweepPeriodSeconds,
  warnSeconds: config.warnSeconds,
});
const noteSweep = createNoteSweep({
  lastSweeps,
  unlistedSubscriptions: () => arm.unlisted.subscriptionIds(),
  clock,
  log,
});
const foresee = createForeseePolicy(dependencies);
const quota = createPersonQuota(config.quotas);

const authenticate = createAuthenticate({
  verifier: createTokenVerifier(config.token),
  unauthenticated: createUnauthenticatedCounter({ audit: dependencies.audit, log }),
  trustAppServiceAuthentication: config.trustAppServiceAuthentication,
  tenantId: config.token.tenantId,
  clock,
  log,
});
const call = {
  ...{ authenticate, newId: randomUUID, log },
  // One for both doors: their bound is one.
  tellRefused: createTellRefused({ log, clock }),
};

registerGrantOrchestration(
  (requestId, actor) => tablesReady().then(() => step(requestId, actor)),
  (context, work) => log.run(context, work),
  log,
);

const policyStep = createPolicyStep(dependencies, reconcileNsg);
registerPolicyOrchestration(
  () => tablesReady().then(policyStep),
  (context, work) => log.run(context, work),
  log,
);

app.timer('sweep', {
  schedule: config.sweepSchedule,
  // What ended while nothing ran is closed now, not in a minute.
  runOnStartup: true,
  extraInputs: [durableClientInput],
  handler: (_timer, context) =>
    log.run(context, async () => {
      // It closes without tables too, by what the rules say of themselves.
      await tablesReady().catch(tablesNotReady);
      const began = clock.now();
      const report = await sweep(orchestrationsOf(context, clock));
      log.info('sweep', { ...report });
      await noteSweep(began, report);
    }),
});

const copiesAudit = config.auditCopy !== undefined || config.auditExport !== undefined;
const auditCopies = once(async () => {
  // No part of a cold start.
  const { createAuditCopies } = await import('./auditCopies.ts');
  const { audit, seals } = dependencies;
  return createAuditCopies(config, { credential, heartbeat: tables.heartbeat, audit, seals, clock, log });
});
if (copiesAudit) {
  app.timer('copyAudit', {
    // Half a minute after the sweep, which seals what has ended.
    schedule: '30 * * * * *',
    handler: (_timer, context) =>
      log.run(context, async () => {
        await tablesReady().catch(tablesNotReady);
        const { copy } = await auditCopies();
        await copy();
      }),
  });
}

const networkChanged = createNetworkChangedHandler({
  topics: config.eventTopics,
  followHint: createFollowHint(dependencies, reconcileNsg),
  newId: randomUUID,
  clock,
  log,
});
app.eventGrid<unknown>('networkChanged', {
  extraInputs: [durableClientInput],
  handler: (event, context) =>
    log.run(context, async () => {
      await tablesReady().catch(tablesNotReady);
      await networkChanged(event, () => orchestrationsOf(context, clock));
    }),
});

const accessRequests = (context: InvocationContext) =>
  createAccessRequestService(dependencies, quota, orchestrationsOf(context, clock), reconcileNsg, config);
const health = createHealth({
  ...dependencies,
  lastSweeps,
  periodSeconds: config.sweepPeriodSeconds,
  program: () => readProgram(__filename),
  // Whatever the app newly depends on gets its check here, under the name that it is told by.
  checks: {
    tables: () => checkTables(tables),
    azureResourceManager: arm.health.seesSubscriptions,
    signingKeys: () => checkSigningKeys(config.token),
    ...(copiesAudit ? { auditCopies: async () => (await auditCopies()).check() } : {}),
  },
});
const routes = createRoutes({
  ...call,
  trustedProxyHops: config.trustedProxyHops,
  service: accessRequests,
  audit: dependencies.audit,
  policies: (context) => createPolicyService(dependencies, policyRunsOf(context, clock), foresee),
  recommend: createRecommend(dependencies, config.managementPorts),
  unlistedSubscriptions: () => arm.unlisted.subscriptionIds(),
  health: (context, correlationId) =>
    health({ correlationId, orchestrations: orchestrationsOf(context, clock) }),
});
for (const { operation, handler } of routes) register(operation, handler);
register(
  { name: 'microsoftJit', method: ['GET', 'PUT', 'POST', 'DELETE', 'PATCH'], route: 'api/arm/{*path}' },
  createJitHandler({
    ...call,
    policies: (context) => createPolicyService(dependencies, policyRunsOf(context, clock), foresee),
    accessRequests,
    storedPolicies: dependencies.policies,
    clock,
    trustedProxyHops: config.trustedProxyHops,
    ...(config.publicOrigin !== undefined && { publicOrigin: config.publicOrigin }),
  }),
);

type RegisteredOperation = Pick<Operation, 'name' | 'route' | 'isPublic' | 'needsNoTables'> & {
  method: HttpMethod | HttpMethod[];
};

/** Function keys are no identity: every route is anonymous to the host and asks for a token itself. */
function register(operation: RegisteredOperation, handler: HttpHandler): void {
  const { name, method, route, isPublic = false, needsNoTables = false } = operation;
  app.http(name, {
    route,
    methods: [method].flat(),
    authLevel: 'anonymous',
    extraInputs: [durableClientInput],
    handler: (request, context) =>
      log.run(context, async () => {
        // Who is refused needs no tables; whoever needs them is told by their own error.
        if (!isPublic && !needsNoTables) await tablesReady().catch(tablesNotReady);
        return handler(request, context);
      }),
  });
}

function tablesNotReady(error: unknown): void {
  log.error('tables-not-ready', { error: String(error) });
}
