import type { TableClient } from '@azure/data-tables';
import { createAuditTrail } from '../../src/adapters/tables/auditTrail.ts';
import { createLiveRows } from '../../src/adapters/tables/liveRows.ts';
import { createNsgRecords } from '../../src/adapters/tables/nsgRecords.ts';
import { createPolicies } from '../../src/adapters/tables/policies.ts';
import { createRequests } from '../../src/adapters/tables/requests.ts';
import { createSeals } from '../../src/adapters/tables/seals.ts';
import { createSweepState } from '../../src/adapters/tables/sweepState.ts';
import { ensureTables, openTables } from '../../src/adapters/tables/tables.ts';
import { createAccessRequestService } from '../../src/workflow/accessRequestService.ts';
import type { Orchestrations } from '../../src/workflow/contracts.ts';
import type { Dependencies } from '../../src/workflow/dependencies.ts';
import { createHeartbeat } from '../../src/workflow/heartbeat.ts';
import { createReconciler } from '../../src/workflow/reconciler.ts';
import { createPersonQuota } from '../../src/workflow/personQuota.ts';
import { createStep } from '../../src/workflow/step.ts';
import { createSweep } from '../../src/workflow/sweep.ts';
import { contoso } from '../support/liveRow.ts';
import { createMemoryAdminRules } from '../support/memoryAdminRules.ts';
import { createMemoryAuthorization } from '../support/memoryAuthorization.ts';
import { createMemoryBudget, createMemoryInventory, createMemoryRights } from '../support/memoryInventory.ts';
import { createMemoryNetwork } from '../support/memoryNetwork.ts';
import { foreignRulesOf, networkInterfaceId, nsgId, vmId } from './azureState.ts';
import { policyOf, submissionOf } from './submissions.ts';
import { createVirtualTime } from './virtualTime.ts';
import { noQuotas } from '../support/noQuotas.ts';

/** What one plain grant on one NSG asks of Table Storage: `read requests`, `insert audit` …, in order. */
export interface GrantTransactions {
  /** From the POST to its answer. */
  asked: string[];
  /** The step that opens. */
  opened: string[];
  /** The step that closes. */
  closed: string[];
  /** The sweeps that seal it and put its rows away, alone: shared by all that end in the same minute. */
  swept: string[];
}

const sweepPeriodSeconds = 60;

/** Lives one grant on real tables and counts what is sent to them, below the SDK's retries. */
export async function countTransactions(
  connectionString: string,
  ports: readonly number[],
): Promise<GrantTransactions> {
  const tables = openTables({
    connectionString,
    tableNamePrefix: `bench${ports.length}x${Date.now() % 1e6}`,
  });
  await ensureTables(tables);
  let counted: string[] = [];
  let underWay = 0;
  for (const [name, table] of Object.entries(tables) as [string, TableClient][]) {
    table.pipeline.addPolicy({
      name: 'countTransactions',
      async sendRequest(request, next) {
        counted.push(`${verbOf(request.method, request.url)} ${name}`);
        underWay += 1;
        try {
          return await next(request);
        } finally {
          underWay -= 1;
        }
      },
    });
  }
  const clock = createVirtualTime(new Date('2026-11-23T09:00:00.000Z'), () => underWay > 0);
  const network = createMemoryNetwork({ clock, operationMilliseconds: 1000 });
  network.addNsg(nsgId(0), {
    location: 'westeurope',
    properties: { securityRules: foreignRulesOf(3) },
  });
  network.addVirtualMachine({
    virtualMachineId: vmId(0),
    vmId: '0f0e0d0c-0000-4000-8000-0000000000aa',
    subnetId: `${nsgId(0)}-subnet`,
    networkInterfaceId: networkInterfaceId(0),
    addresses: [{ family: 'IPv4', address: '10.1.0.4' }],
    nsgIds: [nsgId(0)],
  });
  const complaints: unknown[] = [];
  const complain = (message: string, facts?: unknown) => complaints.push([message, facts]);
  const log = { info: () => undefined, warn: complain, error: complain };
  const sweepState = createSweepState(tables);
  await sweepState.insertMarker({ madeAt: clock.now().toISOString(), madeBy: 'sallyport' });
  await sweepState.beat(clock.now().toISOString());
  const heartbeat = createHeartbeat({ sweepState, clock, log }, sweepPeriodSeconds);
  // Read once by each process, and then again only after three periods.
  await heartbeat.isFresh();
  const dependencies: Dependencies = {
    requests: createRequests(tables.requests),
    live: createLiveRows(tables.live, log),
    audit: createAuditTrail({ audit: tables.audit, index: tables.index }, () => clock.now()),
    seals: createSeals(tables.seals),
    nsgs: createNsgRecords(tables.nsgs),
    sweepState,
    heartbeat,
    policies: createPolicies(tables.policies),
    network,
    inventory: createMemoryInventory(network),
    rights: createMemoryRights(),
    securityAdminRules: createMemoryAdminRules(),
    authorization: createMemoryAuthorization(),
    budget: createMemoryBudget(),
    clock,
    log,
    installation: contoso,
    quotas: noQuotas,
    newId: () => 'b'.repeat(32),
  };
  const orchestrations: Orchestrations = {
    start: () => Promise.resolve(),
    ring: () => Promise.resolve(),
    status: () => Promise.resolve('running'),
    purge: () => Promise.resolve(0),
  };
  const reconcile = createReconciler(dependencies);
  const step = createStep(dependencies, reconcile);
  const sweep = createSweep(dependencies, {
    step,
    reconcile,
    periodSeconds: sweepPeriodSeconds,
    warnSeconds: 300,
  });
  const service = createAccessRequestService(
    dependencies,
    createPersonQuota(noQuotas),
    orchestrations,
    reconcile,
  );
  await dependencies.policies.insert(policyOf(0, ports));

  const take = () => {
    const taken = counted;
    counted = [];
    return taken;
  };
  take();
  const submitted = await clock.run(service.submit(submissionOf(0, ports, 3600)));
  if (submitted.kind !== 'accepted') throw new Error(`The request was not accepted: ${submitted.kind}.`);
  const { id, end } = submitted.request;
  const asked = take();
  await clock.run(step(id, 'sallyport'));
  const opened = take();
  await clock.run(clock.sleep(Date.parse(end) - clock.now().getTime()));
  const last = await clock.run(step(id, 'sallyport'));
  const closed = take();
  if (last.kind !== 'done' || complaints.length > 0) {
    throw new Error(`The grant was no plain one: ${last.kind}, ${JSON.stringify(complaints)}.`);
  }
  for (let minute = 0; minute < 7; minute += 1) {
    await clock.run(sweep(orchestrations).then(() => clock.sleep(60_000)));
  }
  return { asked, opened, closed, swept: take() };
}

function verbOf(method: string, url: string): string {
  if (url.includes('$batch')) return 'batch';
  switch (method) {
    case 'GET':
      return /RowKey=/.test(url) ? 'read' : 'list';
    case 'POST':
      return 'insert';
    case 'PUT':
      return 'replace';
    case 'DELETE':
      return 'delete';
    default:
      return 'merge';
  }
}
