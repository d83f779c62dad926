import type { Quotas } from '../../src/core/quotas.ts';

/** As much as anybody asks for. */
export const noQuotas: Quotas = {
  requestsPerMinute: Number.POSITIVE_INFINITY,
  liveGrantsPerPerson: Number.POSITIVE_INFINITY,
  liveGrantsPerNsg: Number.POSITIVE_INFINITY,
};
