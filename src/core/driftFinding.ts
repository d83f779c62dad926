import { contentHash } from './canonicalJson.ts';
import type { DriftEntry, DriftEvent, FlushEvent } from './nsgRecord.ts';
import type { ReasonCode } from './reason.ts';
import type { RuleMeaning } from './securityRule.ts';

/** Something that others did to an NSG and that has to be told once. */
export interface Drift extends Pick<DriftEntry, 'requestId' | 'virtualMachineId' | 'accepted' | 'reasons'> {
  event: Exclude<DriftEvent, FlushEvent>;
  /** The rule that it is about. */
  rule: string;
  /** The same for the same finding: it is told again only after it was not so in between. */
  key: string;
  /**
   * It is so of an NSG that was read after what it rests on. What is not may be the trace of another worker of ours, and
   * has to be looked at again.
   */
  sure: boolean;
}

/** What can happen to rules that carry our name. */
export type OwnedEvent = Exclude<
  Drift['event'],
  'baseline-removed' | 'blocked-by-foreign-rule' | 'bypassed-by-foreign-rule'
>;

/** What is told of one owned rule; `meaning` is undefined where there is none any more. */
export function findingOf(
  event: OwnedEvent,
  rule: string,
  requestId: string | undefined,
  meaning: RuleMeaning | undefined,
): Omit<Drift, 'sure'> {
  const { code, message } = reasons[event];
  return {
    event,
    rule,
    ...(requestId === undefined ? {} : { requestId }),
    key: `${event} ${rule.toLowerCase()} ${meaning === undefined ? 'absent' : contentHash(meaning)}`,
    reasons: [{ code, message }],
  };
}

const reasons: Record<OwnedEvent, { code: ReasonCode; message: string }> = {
  'rule-deleted': {
    code: 'change-accepted',
    message:
      'Somebody deleted this rule of a running grant. It is not written again: what it let in stays shut for this grant.',
  },
  'rule-narrowed': {
    code: 'change-accepted',
    message:
      'Somebody changed this rule of a running grant so that it admits less. It stays so until the end of the grant.',
  },
  'rule-widened': {
    code: 'change-reverted',
    message: 'Somebody changed this rule so that it admitted more than it may. It was put back.',
  },
  'rule-tampered': {
    code: 'change-reverted',
    message: 'A rule had a name of ours that was never given. It was removed.',
  },
  'leftover-closed': {
    code: 'change-reverted',
    message: 'A rule of ours belonged to no grant that is known. It was removed.',
  },
  'late-open-reverted': {
    code: 'change-reverted',
    message: 'A rule of a grant that has ended was there again. It was removed.',
  },
};
