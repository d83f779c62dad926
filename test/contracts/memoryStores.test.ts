import { createMemoryAuditCopyStates } from '../support/memoryAuditCopyStates.ts';
import {
  createMemoryAuditTrail,
  createMemoryLiveRows,
  createMemoryNsgRecords,
  createMemoryPolicies,
  createMemoryRequests,
  createMemorySeals,
  createMemorySweepState,
} from '../support/memoryStores.ts';
import { createMemoryLastSweeps } from '../support/memoryLastSweeps.ts';
import { describeAuditCopyStatesContract } from './auditCopyStates.ts';
import { describeAuditTrailContract } from './auditTrail.ts';
import { describeBaselinesContract } from './baselines.ts';
import { describeLastSweepsContract } from './lastSweeps.ts';
import { describeLiveRowsContract } from './liveRows.ts';
import { describeNsgRecordsContract } from './nsgRecords.ts';
import { describePoliciesContract } from './policies.ts';
import { describeRequestsContract } from './requests.ts';
import { describeSealsContract } from './seals.ts';
import { describeSweepStateContract } from './sweepState.ts';

describeRequestsContract('in memory', () => Promise.resolve(createMemoryRequests()));
describeLiveRowsContract('in memory', () => Promise.resolve(createMemoryLiveRows()));
describeBaselinesContract('in memory', () => Promise.resolve(createMemoryLiveRows()));
describePoliciesContract('in memory', () => Promise.resolve(createMemoryPolicies()));
describeAuditTrailContract('in memory', (now) => Promise.resolve(createMemoryAuditTrail(now)));
describeSealsContract('in memory', () => Promise.resolve(createMemorySeals()));
describeSweepStateContract('in memory', () => Promise.resolve(createMemorySweepState()));
describeNsgRecordsContract('in memory', () => Promise.resolve(createMemoryNsgRecords()));
describeLastSweepsContract('in memory', () => Promise.resolve(createMemoryLastSweeps()));
describeAuditCopyStatesContract('in memory', () => Promise.resolve(createMemoryAuditCopyStates()));
