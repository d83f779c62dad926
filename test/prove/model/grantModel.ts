/**
 * The life of a few grants on one NSG as a model with finitely many states: two workers that reconcile, ARM, an
 * administrator, and time in ticks that never stops. It is the algorithm of reconcile and no more: what is not in it is in
 * the tests of the code. A rule of the algorithm can be left out, which must then break a promise.
 *
 * Times are ages, and an age beyond which nothing depends on it stops growing: so the states are finite.
 */
export interface ModelOptions {
  /** The tick at which each grant ends, from 1; its length says how many grants there are. */
  ends: readonly number[];
  /** So many of them, from the last, are approved from the beginning; the others at any instant of the first tick, or never. */
  approved: number;
  /** So many rules have room. */
  room: number;
  crashes: number;
  /** So often an administrator changes a rule of their own, or deletes one of ours. */
  edits: number;
  leftOut?: Omission;
}

/** What a careless hand might leave out. */
export const omissions = [
  'nsg-before-rows',
  'if-match',
  'late-write-margin',
  'freshness',
  'clock',
  'read-back',
  'other-grants',
  'ending-before-nsg',
  'sweep',
] as const;
export type Omission = (typeof omissions)[number];

/** In ticks: how old rows may be when a write is sent, how long one is under way, how often the sweep is done. */
export const freshness = 0;
export const writeTimeout = 1;
export const period = 1;
/** Of a grant that was never seen open, only a read later than this after its row's change is conclusive. */
const margin = freshness + writeTimeout;
/**
 * I1 in ticks after the end or the revocation: a write that was sent with the rows of that instant has come, the sweep that
 * was due next has seen it, and its own write has come.
 */
export const bound = freshness + writeTimeout + period + writeTimeout;

const rowStates = ['none', 'opening', 'active', 'closing', 'closed'] as const;

interface Row {
  state: (typeof rowStates)[number];
  /** It has been active: its rule was read back. */
  seen: boolean;
  /** Ticks since its end or revocation, and since its row became `closing`; 0 until then. */
  over: number;
  changed: number;
}

/** An NSG as it was read or is to be written; sets of grants are bits. */
interface Content {
  rules: number;
  foreign: number;
  /** Nobody has written since: what `If-Match` asks. */
  current: boolean;
}

const notGranted: Row = { state: 'none', seen: false, over: 0, changed: 0 };

const phases = ['idle', 'first', 'rows', 'sent'] as const;

interface Worker {
  phase: (typeof phases)[number];
  /** Grants that were known to be open when the NSG was read, and were not in it. */
  known: number;
  content: Content;
  /** Ending grants that were not in the NSG when it was read, late enough to say that they are shut. */
  conclusive: number;
  /** Ages of what was read. */
  nsgAge: number;
  rowsAge: number;
  /** Rows as they were read: what is desired. */
  live: number;
}

interface Message {
  content: Content;
  /** How old the rows were when it was sent. */
  rowsAge: number;
  age: number;
  /** The worker that waits for the answer, or -1. */
  owner: number;
}

export interface State {
  /** Stops at the last end. */
  tick: number;
  rows: Row[];
  rules: number;
  foreign: number;
  workers: Worker[];
  messages: Message[];
  crashes: number;
  edits: number;
  /** Somebody has deleted a rule of ours. */
  deleted: boolean;
  /** Ticks since the NSG was read for the last reconcile that came to its end. */
  sweptAge: number;
  /** A promise that was broken by the step that led here. */
  broken?: string;
}

export interface Step {
  name: string;
  state: State;
}

const nothing: Content = { rules: 0, foreign: 0, current: false };
const idle: Worker = {
  ...{ phase: 'idle', known: 0, content: nothing, conclusive: 0, nsgAge: 0, rowsAge: 0, live: 0 },
};

/** Nothing is granted yet, and nothing runs. */
export function initialState({ ends, approved, crashes, edits }: ModelOptions): State {
  const rows = ends.map((_, grant): Row =>
    grant >= ends.length - approved ? { ...notGranted, state: 'opening' } : notGranted,
  );
  return {
    ...{ tick: 0, rows, rules: 0, foreign: 0, workers: [idle, idle], messages: [] },
    ...{ crashes, edits, deleted: false, sweptAge: 0 },
  };
}

/** Everything that may happen next. */
export function stepsFrom(state: State, options: ModelOptions): Step[] {
  return [
    ...timeSteps(state, options),
    ...rowSteps(state, options),
    ...editSteps(state),
    ...state.messages.flatMap((_, index) => messageSteps(state, index, options)),
    ...state.workers.flatMap((_, index) => workerSteps(state, index, options)),
  ];
}

/** Time goes on only as the promises' own conditions have it: writes end in their time, and sweeps come in theirs. */
function timeSteps(state: State, { ends, leftOut }: ModelOptions): Step[] {
  if (state.messages.some(({ age }) => age >= writeTimeout)) return [];
  if (leftOut !== 'sweep' && state.sweptAge >= period) return [];
  const older = (age: number, most: number) => Math.min(age + 1, most);
  const rows = state.rows.map((row, grant): Row => {
    const isOver = row.over > 0 || isEnding(row) || state.tick >= endOf(ends, grant);
    const over = isOver && row.state !== 'none' ? older(row.over, bound + 1) : 0;
    return { ...row, over, changed: isEnding(row) ? older(row.changed, margin + 1) : 0 };
  });
  const workers = state.workers.map((worker): Worker => {
    const rowsFirst = leftOut === 'nsg-before-rows';
    const hasRows = worker.phase === 'rows' || (worker.phase === 'first' && rowsFirst);
    const hasNsg = worker.phase === 'rows' || (worker.phase === 'first' && !rowsFirst);
    return {
      ...worker,
      rowsAge: hasRows ? older(worker.rowsAge, freshness + 1) : 0,
      nsgAge: hasNsg ? older(worker.nsgAge, period) : 0,
    };
  });
  const messages = state.messages.map((message) => ({ ...message, age: message.age + 1 }));
  const tick = Math.min(state.tick + 1, Math.max(...ends));
  const sweptAge = older(state.sweptAge, period);
  return [{ name: 'time goes on', state: { ...state, tick, rows, workers, messages, sweptAge } }];
}

function rowSteps(state: State, { ends }: ModelOptions): Step[] {
  return state.rows.flatMap((row, grant): Step[] => {
    const change = (name: string, to: Row['state']): Step => ({
      name: `grant ${grant} ${name}`,
      state: { ...state, rows: state.rows.with(grant, { ...row, state: to }) },
    });
    if (row.state === 'none') return state.tick === 0 ? [change('is approved', 'opening')] : [];
    if (row.state !== 'opening' && row.state !== 'active') return [];
    return [change(state.tick >= endOf(ends, grant) ? 'has ended' : 'is revoked', 'closing')];
  });
}

/** Whatever is written by anybody: what was read before is no longer current, and a write of it is refused. */
function written(
  state: State,
  content: Partial<Pick<State, 'rules' | 'foreign'>>,
  { leftOut }: Pick<ModelOptions, 'leftOut'>,
): State {
  const isRefused = leftOut !== 'if-match';
  const stale = (one: Content): Content => ({ ...one, current: false });
  return {
    ...state,
    ...content,
    workers: state.workers.map((worker) => ({ ...worker, content: stale(worker.content) })),
    messages: state.messages.map((message) => ({
      ...message,
      content: isRefused ? nothing : stale(message.content),
    })),
  };
}

function editSteps(state: State): Step[] {
  if (state.edits === 0) return [];
  const after = { ...state, edits: state.edits - 1 };
  const edit = (name: string, content: Partial<Pick<State, 'rules' | 'foreign'>>): Step => ({
    name: `an administrator ${name}`,
    state: written(after, content, {}),
  });
  const ours = state.rows.flatMap((_, grant) => (isIn(state.rules, grant) ? [grant] : []));
  return [
    edit('changes a rule of their own', { foreign: state.foreign + 1 }),
    ...ours.map((grant) => {
      const rules = state.rules & ~(1 << grant);
      const { name, state: edited } = edit(`deletes the rule of grant ${grant}`, { rules });
      return { name, state: { ...edited, deleted: true } };
    }),
  ];
}

/** A write that is under way is lost, or arrives. */
function messageSteps(state: State, index: number, options: ModelOptions): Step[] {
  const message = state.messages[index];
  if (message === undefined) return [];
  const { content, owner } = message;
  const answered: State = {
    ...state,
    messages: state.messages.toSpliced(index, 1),
    workers: state.workers.map((worker, number) => (number === owner ? idle : worker)),
  };
  const lost = { name: 'a write is lost or refused', state: answered };
  if (!content.current && options.leftOut !== 'if-match') return [lost];
  const { rules, foreign } = content;
  const arrived = judgeWrite(state, written(answered, { rules, foreign }, options), message);
  return [lost, { name: `ARM writes ${show(rules)}`, state: arrived }];
}

/** What a write that arrives may not do, whoever sent it. */
function judgeWrite(before: State, after: State, { rowsAge }: Message): State {
  const added = after.rules & ~before.rules;
  const reopened = before.rows.findIndex(({ state }, grant) => state === 'closed' && isIn(added, grant));
  if (reopened >= 0 && !before.deleted)
    return { ...after, broken: `I5: grant ${reopened} was recorded closed and is open` };
  if (rowsAge > freshness) return { ...after, broken: 'I5: a write was sent with old rows' };
  if (after.foreign < before.foreign) return { ...after, broken: 'I3: an edit of somebody else is undone' };
  return after;
}

function workerSteps(state: State, index: number, options: ModelOptions): Step[] {
  const worker = state.workers[index];
  if (worker === undefined) return [];
  const steps = workSteps(state, index, worker, options);
  if (state.crashes === 0 || worker.phase === 'idle') return steps;
  const messages = state.messages.map((message) =>
    message.owner === index ? { ...message, owner: -1 } : message,
  );
  const workers = state.workers.with(index, idle);
  const crashed = { ...state, crashes: state.crashes - 1, messages, workers };
  return [...steps, { name: `worker ${index} dies`, state: crashed }];
}

function workSteps(state: State, index: number, worker: Worker, options: ModelOptions): Step[] {
  const go = (name: string, changed: Partial<Worker>): Step => ({
    name: `worker ${index} ${name}`,
    state: { ...state, workers: state.workers.with(index, { ...worker, ...changed }) },
  });
  const rowsFirst = options.leftOut === 'nsg-before-rows';
  switch (worker.phase) {
    case 'idle':
      return rowsFirst
        ? [go('reads the rows', { phase: 'first', ...readRows(state, worker, options) })]
        : [go('reads the NSG', { phase: 'first', ...readNsg(state, options) })];
    case 'first':
      return rowsFirst
        ? [go('reads the NSG', { phase: 'rows', ...readNsg(state, options) })]
        : [go('reads the rows', { phase: 'rows', ...readRows(state, worker, options) })];
    case 'rows':
      return act(state, index, worker, options);
    case 'sent':
      return [];
  }
}

/** With what is known before: who was open, and of whom this reading will say whether they are shut. */
function readNsg(state: State, options: ModelOptions): Partial<Worker> {
  const { rules, foreign } = state;
  const known = knownOpen(state) & ~rules;
  const content = { rules, foreign, current: true };
  return { content, known, conclusive: conclusiveIn(state, rules, options), nsgAge: 0 };
}

/** Ending grants that are not among the rules; those that were never seen open only when no late write can come. */
function conclusiveIn({ rows }: State, rules: number, { leftOut }: ModelOptions): number {
  const isLate = ({ seen, changed }: Row) => seen || changed > margin || leftOut === 'late-write-margin';
  return bits(rows, (row) => row.state === 'closing' && isLate(row)) & ~rules;
}

function knownOpen({ rows }: State): number {
  return bits(rows, ({ state }) => state === 'active');
}

function readRows(state: State, { content, conclusive }: Worker, options: ModelOptions): Partial<Worker> {
  const { ends, leftOut } = options;
  const isLive = ({ state: row }: Row, grant: number) =>
    (row === 'opening' || row === 'active') && (leftOut === 'clock' || state.tick < endOf(ends, grant));
  return {
    live: bits(state.rows, isLive),
    rowsAge: 0,
    // An NSG that was read before the grant ended says nothing of how it ended.
    conclusive: leftOut === 'ending-before-nsg' ? conclusiveIn(state, content.rules, options) : conclusive,
  };
}

/** Plans over what was read; sends the write, or records what the two readings say. */
function act(state: State, index: number, worker: Worker, options: ModelOptions): Step[] {
  const { leftOut } = options;
  const { content, rowsAge } = worker;
  const workers = state.workers.with(index, idle);
  const isLate = rowsAge > freshness && leftOut !== 'freshness';
  const isSent = content.current || leftOut === 'if-match';
  return plans(state, worker, options).map((wanted): Step => {
    if (wanted === content.rules) {
      const sweptAge = Math.min(state.sweptAge, worker.nsgAge);
      const rows = state.rows.map((row, grant) => recorded(row, grant, worker));
      return { name: `worker ${index} records what it read`, state: { ...state, workers, rows, sweptAge } };
    }
    if (isLate) return { name: `worker ${index} is too late`, state: { ...state, workers } };
    const message: Message = {
      ...{ content: isSent ? { ...content, rules: wanted } : nothing, rowsAge, age: 0, owner: index },
    };
    const waiting = state.workers.with(index, { ...idle, phase: 'sent' });
    const sent = { ...state, workers: waiting, messages: [...state.messages, message] };
    const rows = state.rows.map((row, grant) =>
      leftOut === 'read-back' ? believed(row, grant, wanted) : row,
    );
    return { name: `worker ${index} sends ${show(wanted)}`, state: { ...sent, rows } };
  });
}

/** The rules that should be there: what is there stays, a deletion by somebody is accepted, and room is finite. */
function plans({ rows }: State, { live, known, content }: Worker, { room, leftOut }: ModelOptions): number[] {
  if (leftOut === 'other-grants' && (content.rules & ~live) !== 0) return [0];
  const deleted = known & ~content.rules;
  const kept = content.rules & live;
  const added = live & ~deleted & ~kept;
  const size = Math.min(room, count(kept | added));
  // Which of those that do not fit is refused depends on their ids alone: any of them may be.
  return Array.from({ length: 1 << rows.length }, (_, set) => set).filter(
    (set) =>
      (set & kept) === kept && (set & ~(kept | added)) === 0 && count(set) === Math.max(size, count(kept)),
  );
}

function recorded(row: Row, grant: number, { content, live, conclusive }: Worker): Row {
  const isThere = isIn(content.rules, grant);
  if (row.state === 'opening' && isIn(live, grant) && isThere) return { ...row, state: 'active', seen: true };
  const isShut = row.state === 'closing' && !isThere && isIn(conclusive, grant);
  return isShut ? { ...row, state: 'closed' } : row;
}

/** Takes "accepted" for "open". */
function believed(row: Row, grant: number, wanted: number): Row {
  return row.state === 'opening' && isIn(wanted, grant) ? { ...row, state: 'active', seen: true } : row;
}

/** Which promise does not hold in this state, or undefined. */
export function brokenPromise(state: State, options: ModelOptions): string | undefined {
  if (state.broken !== undefined) return state.broken;
  const { rules, rows, tick } = state;
  for (const [grant, row] of rows.entries()) {
    if (isIn(rules, grant)) {
      if (row.over > bound) return `I1: the rule of grant ${grant} outlives it`;
      // What somebody deletes at the wrong instant may come back with a late write: then the sweep must find it, in I1's time.
      if (row.state === 'closed' && !state.deleted)
        return `I5: grant ${grant} is recorded closed and is open`;
      if (row.state === 'none') return `I4: grant ${grant} is open and was never granted`;
    }
    const isLost = row.state === 'active' && tick < endOf(options.ends, grant) && !isIn(rules, grant);
    if (isLost && !state.deleted) return `I7: grant ${grant} is active and is shut`;
  }
  return undefined;
}

/**
 * Lets nothing fail any more: one worker reconciles as time goes on. Returns what never comes to its end then, which
 * breaks I10. `well` are keys of states from which all is known to end well; those of this way are added.
 */
export function unconverged(state: State, options: ModelOptions, well: Set<string>): string | undefined {
  const way = new Set<string>();
  for (let now: State = { ...state, crashes: 0, edits: 0 }; ;) {
    const key = keyOf(now, options);
    if (well.has(key)) break;
    const isDone = now.rows.every((row, grant) => isSettled(row, isIn(now.rules, grant)));
    if (isDone) break;
    if (way.has(key)) return 'I10: a grant is never closed';
    way.add(key);
    now = calmStep(now, options);
  }
  for (const key of way) well.add(key);
  return undefined;
}

function isSettled({ state }: Row, isOpen: boolean): boolean {
  return state === 'none' || (state === 'closed' && !isOpen);
}

/** What arrives arrives, what has ended is noticed, and one worker works whenever time has gone on. */
function calmStep(state: State, options: ModelOptions): State {
  const busy = state.workers.findIndex(({ phase }) => phase !== 'idle' && phase !== 'sent');
  const tries = [
    () => messageSteps(state, 0, options).slice(-1),
    () => rowSteps(state, options).filter(({ name }) => name.endsWith('has ended')),
    () => (busy < 0 ? [] : workSteps(state, busy, state.workers[busy] ?? idle, options)),
    () => (state.sweptAge > 0 ? workSteps(state, 0, idle, options) : []),
    () => timeSteps(state, options),
  ];
  for (const attempt of tries) {
    const [step] = attempt();
    if (step !== undefined) return step.state;
  }
  throw new Error('Nothing can happen any more.');
}

/**
 * A state as a short text, the same for states that nothing tells apart: which worker is which, and which of several
 * grants with the same end. For up to four grants.
 */
export function keyOf(
  { tick, rows, rules, foreign, workers, messages, ...rest }: State,
  { ends }: ModelOptions,
): string {
  const sets = [
    rules,
    ...workers.flatMap(({ known, live, conclusive, content }) => [known, live, conclusive, content.rules]),
    ...messages.map(({ content }) => content.rules),
  ];
  const columns = rows.map(
    (row, grant) =>
      String.fromCharCode(endOf(ends, grant), rowCode(row)) +
      sets.map((set) => (isIn(set, grant) ? '1' : '0')).join(''),
  );
  const grants = rows.map((_, grant) => grant).sort((a, b) => compare(columns[a], columns[b]));
  const sorted = (set: number) =>
    grants.reduce((all, grant, index) => all | (((set >> grant) & 1) << index), 0);
  const keys = workers.map((worker) => workerKey(worker, sorted));
  // Which worker is which tells nothing, but whose message it is does.
  const order = workers.map((_, index) => index).sort((a, b) => compare(keys[a], keys[b]));
  const sent = messages.map(({ content, rowsAge, age, owner }) =>
    String.fromCharCode(
      contentCode(content, sorted),
      rowsAge | (age << 3) | ((order.indexOf(owner) + 1) << 6),
    ),
  );
  return [
    String.fromCharCode(tick | (sorted(rules) << 5) | (foreign << 9)),
    String.fromCharCode(rest.crashes | (rest.edits << 3) | (rest.sweptAge << 6) | (rest.deleted ? 4096 : 0)),
    ...grants.map((grant) => String.fromCharCode(rowCode(rows[grant] ?? notGranted))),
    ...order.map((index) => keys[index]),
    ...sent.sort(),
    rest.broken ?? '',
  ].join('');
}

function compare(a = '', b = ''): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function rowCode({ state, seen, over, changed }: Row): number {
  return rowStates.indexOf(state) | (over << 3) | (changed << 7) | (seen ? 4096 : 0);
}

type Sort = (set: number) => number;

function workerKey(
  { phase, known, content, conclusive, nsgAge, rowsAge, live }: Worker,
  sorted: Sort,
): string {
  return String.fromCharCode(
    phases.indexOf(phase) | (nsgAge << 3) | (rowsAge << 6),
    sorted(known) | (sorted(live) << 4) | (sorted(conclusive) << 8),
    contentCode(content, sorted),
  );
}

function contentCode({ rules, foreign, current }: Content, sorted: Sort): number {
  return sorted(rules) | (foreign << 4) | (current ? 64 : 0);
}

function isEnding({ state }: Row): boolean {
  return state === 'closing' || state === 'closed';
}

function endOf(ends: readonly number[], grant: number): number {
  return ends[grant] ?? 0;
}

function bits(rows: readonly Row[], has: (row: Row, grant: number) => boolean): number {
  return rows.reduce((set, row, grant) => (has(row, grant) ? set | (1 << grant) : set), 0);
}

function isIn(set: number, grant: number): boolean {
  return ((set >> grant) & 1) === 1;
}

function count(set: number): number {
  return set === 0 ? 0 : (set & 1) + count(set >> 1);
}

function show(rules: number): string {
  const open = [0, 1, 2, 3].filter((grant) => isIn(rules, grant));
  return `{${open.join(', ')}}`;
}
