/** What a run took, in milliseconds of all seeds together unless it is said otherwise. */
export interface RunTimes {
  /** Of the run, by the clock. */
  readonly elapsedMs: number;
  readonly workers: number;
  readonly cores: number;
  readonly seeds: number;
  readonly wallMs: number;
  /** In calls of the model. */
  readonly callMs: number;
  /** Before calls: for a place, an interval, a budget, a further attempt. */
  readonly waitMs: number;
  readonly toolMs: number;
  /** Of the processor, by the processes of seeds and by this one. */
  readonly cpuMs: number;
  readonly parentCpuMs: number;
  /** How much longer calls took beside others. */
  readonly stretch: number;
  readonly overloads: number;
  readonly maxRssBytes: number;
  /** Why fewer workers ran than were asked for. */
  readonly fewer?: string | undefined;
}

/** Where the time went, and what to do about it. */
export interface Account {
  /** What one seed after the other would have taken, as far as can be told. */
  readonly serialMs: number;
  readonly speedUp: number;
  readonly isNoFaster: boolean;
  /** Of all seeds' time: 0 to 1. */
  readonly shares: Readonly<Record<'calls' | 'waiting' | 'tools' | 'rest', number>>;
  /** Of the machine's processors, while it ran: 0 to 1. */
  readonly cpuShare: number;
  readonly advice: readonly string[];
}

/** Below it nobody would call it faster. */
const leastSpeedUp = 1.1;
const [much, busy, crowded] = [0.3, 0.8, 1.5];

/** What one seed after the other takes is what they took without their waits, with calls as long as they are with the fewest beside them. */
export function accountOf(times: RunTimes): Account {
  const { elapsedMs, workers, cores, seeds, wallMs, callMs, waitMs, toolMs, cpuMs, parentCpuMs, stretch } = times;
  const serialMs = Math.max(0, wallMs - waitMs - callMs + callMs / stretch);
  const speedUp = elapsedMs > 0 ? serialMs / elapsedMs : 1;
  const part = (ms: number): number => (wallMs > 0 ? Math.min(1, ms / wallMs) : 0);
  const shares = {
    calls: part(callMs),
    waiting: part(waitMs),
    tools: part(toolMs),
    rest: part(Math.max(0, wallMs - callMs - waitMs - toolMs)),
  };
  const cpuShare = elapsedMs > 0 ? (cpuMs + parentCpuMs) / (cores * elapsedMs) : 0;
  const isNoFaster = workers > 1 && seeds > 1 && speedUp < leastSpeedUp;
  return { serialMs, speedUp, isNoFaster, shares, cpuShare, advice: adviceFor(times, { isNoFaster, shares, cpuShare }) };
}

function adviceFor(
  times: RunTimes,
  { isNoFaster, shares, cpuShare }: Pick<Account, 'isNoFaster' | 'shares' | 'cpuShare'>,
): readonly string[] {
  const { workers, seeds, stretch, overloads, fewer } = times;
  const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;
  const said: string[] = [];
  if (fewer !== undefined) said.push(`fewer workers ran than were asked for (${fewer}): free memory, or lower worker_memory_mb`);
  if (overloads > 0)
    said.push(
      `the model's server said ${String(overloads)} times that it was too much: lower max_workers, set request_interval_ms, or ask for higher limits`,
    );
  else if (shares.waiting > much)
    said.push(
      `${percent(shares.waiting)} of the seeds' time was waiting before calls, and between attempts where calls failed: look at what the model's server says, raise the budgets, or lower request_interval_ms or max_workers`,
    );
  if (stretch > crowded)
    said.push(
      `calls took ${stretch.toFixed(1)} times as long beside others: the model is what all wait for; a server with a GPU (model: a URL) takes more at once`,
    );
  if (cpuShare > busy)
    said.push(`the processors were busy (${percent(cpuShare)}): fewer workers, more cores, or a model that does not run on this machine`);
  if (isNoFaster && seeds < 2 * workers)
    said.push(`there were ${String(seeds)} seeds for ${String(workers)} workers: too few to fill them`);
  if (isNoFaster && said.length === 0)
    said.push('seeds are so short that starting their processes is most of the work: serial (max_workers 1) does as well');
  return said;
}
