import { createAuditCopyStates } from '../../../src/adapters/tables/auditCopyStates.ts';
import { createAuditTrail } from '../../../src/adapters/tables/auditTrail.ts';
import { createLastSweeps } from '../../../src/adapters/tables/lastSweeps.ts';
import { createLiveRows } from '../../../src/adapters/tables/liveRows.ts';
import { createNsgRecords } from '../../../src/adapters/tables/nsgRecords.ts';
import { createPolicies } from '../../../src/adapters/tables/policies.ts';
import { createRequests } from '../../../src/adapters/tables/requests.ts';
import { createSeals } from '../../../src/adapters/tables/seals.ts';
import { createSweepState } from '../../../src/adapters/tables/sweepState.ts';
import { describeAuditCopyStatesContract } from '../../contracts/auditCopyStates.ts';
import { describeAuditTrailContract } from '../../contracts/auditTrail.ts';
import { describeBaselinesContract } from '../../contracts/baselines.ts';
import { describeLastSweepsContract } from '../../contracts/lastSweeps.ts';
import { describeLiveRowsContract } from '../../contracts/liveRows.ts';
import { describeNsgRecordsContract } from '../../contracts/nsgRecords.ts';
import { describePoliciesContract } from '../../contracts/policies.ts';
import { describeRequestsContract } from '../../contracts/requests.ts';
import { describeSealsContract } from '../../contracts/seals.ts';
import { describeSweepStateContract } from '../../contracts/sweepState.ts';
import { useAzurite } from './testTables.ts';

const { freshTables } = useAzurite();

describeRequestsContract('Table Storage', async () => createRequests((await freshTables()).requests));
describeLiveRowsContract('Table Storage', async () =>
  createLiveRows((await freshTables()).live, { error: () => undefined }),
);
describeBaselinesContract('Table Storage', async () =>
  createLiveRows((await freshTables()).live, { error: () => undefined }),
);
describePoliciesContract('Table Storage', async () => createPolicies((await freshTables()).policies));
describeAuditTrailContract('Table Storage', async (now) => createAuditTrail(await freshTables(), now));
describeSealsContract('Table Storage', async () => createSeals((await freshTables()).seals));
describeSweepStateContract('Table Storage', async () => createSweepState(await freshTables()));
describeNsgRecordsContract('Table Storage', async () => createNsgRecords((await freshTables()).nsgs));
describeLastSweepsContract('Table Storage', async () => createLastSweeps((await freshTables()).heartbeat));
describeAuditCopyStatesContract('Table Storage', async () =>
  createAuditCopyStates((await freshTables()).heartbeat),
);
