import type { AuditSink } from '../../core/auditSink.ts';
import type { Clock } from '../../core/clock.ts';
import { within } from '../arm/deadline.ts';
import { openAppendBlobs, type BlobContainer, type BlobEnd } from './appendBlobs.ts';
import { BlobServiceError } from './blobServiceError.ts';
import { lineOf, newline, portionsOf } from './exportedLines.ts';

export interface AuditExportOptions extends BlobContainer {
  clock: Clock;
  /** For tests: what Azure takes as a block, and in a blob. */
  limits?: { bytesPerBlock: number; blocksPerBlob: number };
}

/** Of Append Block, whose blocks may be larger in newer versions only. */
const azureLimits = { bytesPerBlock: 4 * 1024 * 1024, blocksPerBlob: 50_000 };
/** Of one `send`; the runs of whoever calls are a minute apart. */
const deadlineMilliseconds = 45_000;
/** Another worker takes its turns in between, faster than we look again; nobody keeps that up but to hinder us. */
const attemptsPerBlock = 50;
const blobsPerDay = 1000;

/** Where the next block goes. */
interface Tail {
  day: string;
  /** 1, 2, 3 …: the blobs of that day. */
  number: number;
  position: number;
  blocks: number;
  /** What stands before the position was not written by us just now: it may be half a line. */
  followsOthers: boolean;
}

/**
 * A sink that appends each record as one line of JSON to an append blob of the day on which it is sent,
 * `<yyyy>/<mm>/<dd>.jsonl`, then `<dd>-2.jsonl` and so on when that takes no more.
 *
 * A block is stored whole or not at all, is appended at the position where the blob was last seen to end, and after an
 * answer that was lost it is looked for before it is written anywhere else. A block that follows what others wrote
 * begins with a newline, so that no half a line of theirs hides its first record.
 *
 * Throws if the address cannot be used. `send` takes at most 45 s and throws with what to do about it; what it had
 * stored by then may be stored again by the next.
 */
export function createAuditExport(options: AuditExportOptions): AuditSink {
  const { clock, limits = azureLimits } = options;
  const blobs = openAppendBlobs(options);
  let known: Tail | undefined;
  /** The first blob of its day that may still take blocks. */
  let open = { day: '', number: 1 };
  let quietUntil = 0;

  async function findTail(signal: AbortSignal): Promise<Tail> {
    const day = clock.now().toISOString().slice(0, 10);
    if (known?.day === day && known.blocks < limits.blocksPerBlob) return known;
    if (open.day !== day) open = { day, number: 1 };
    while (open.number <= blobsPerDay) {
      const { number } = open;
      const end = await endOf(blobName(day, number), signal);
      if (end !== 'closed' && end.blocks < limits.blocksPerBlob) {
        return { day, number, position: end.bytes, blocks: end.blocks, followsOthers: end.bytes > 0 };
      }
      open = { day, number: number + 1 };
    }
    throw new Error(`None of the ${blobsPerDay} blobs of ${day} takes another block.`);
  }

  /** Makes the blob if it is not there. */
  async function endOf(name: string, signal: AbortSignal): Promise<BlobEnd | 'closed'> {
    const end = await blobs.end(name, signal);
    if (end !== 'absent') return end;
    if ((await blobs.create(name, signal)) === 'created') return { bytes: 0, blocks: 0 };
    // Somebody else made it meanwhile, or a first try of ours, whose answer was lost.
    const made = await blobs.end(name, signal);
    if (made === 'absent') throw new Error(`${name} can be neither made nor seen.`);
    return made;
  }

  async function store(lines: readonly Buffer[], signal: AbortSignal): Promise<void> {
    for (let attempt = 1; attempt <= attemptsPerBlock; attempt += 1) {
      const tail = await findTail(signal);
      const { day, number, position } = tail;
      const block = Buffer.concat(tail.followsOthers ? [newline, ...lines] : lines);
      // Unknown until there is an answer.
      known = undefined;
      const answer = await blobs.append(blobName(day, number), position, block, signal);
      switch (answer.kind) {
        case 'appended':
          known = { ...tail, position: position + block.length, blocks: answer.blocks, followsOthers: false };
          return;
        case 'moved':
          // By others, or by ourselves: of an append whose answer was lost, the second try says this.
          if (await blobs.holds(blobName(day, number), position, block, signal)) return;
          break;
        case 'gone':
          break;
        case 'closed':
          open = { day, number: number + 1 };
          break;
        case 'too-large':
          if (lines.length === 1) throw new Error('The blob service takes no block as large as one record.');
          await store(lines.slice(0, lines.length / 2), signal);
          await store(lines.slice(lines.length / 2), signal);
          return;
      }
    }
    throw new Error(`Others kept writing to the blob: ${attemptsPerBlock} times it ended elsewhere.`);
  }

  return {
    name: 'audit-export',
    async send(records) {
      const wait = quietUntil - clock.now().getTime();
      if (wait > 0)
        throw new Error(`The blob service asked to be left alone for ${Math.ceil(wait / 1000)} s.`);
      // One byte is left for the newline before a block.
      const portions = portionsOf(records.map(lineOf), limits.bytesPerBlock - newline.length);
      try {
        await within(deadlineMilliseconds, async (signal) => {
          for (const lines of portions) await store(lines, signal);
        });
      } catch (error) {
        known = undefined;
        if (error instanceof BlobServiceError && error.retryAfterSeconds !== undefined) {
          quietUntil = clock.now().getTime() + error.retryAfterSeconds * 1000;
        }
        throw error;
      }
    },
  };
}

function blobName(day: string, number: number): string {
  return `${day.replaceAll('-', '/')}${number === 1 ? '' : `-${number}`}.jsonl`;
}
