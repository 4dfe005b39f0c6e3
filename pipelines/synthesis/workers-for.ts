/** What a machine can have of processes for seeds. */
export interface WorkersFor {
  /** As many as were asked for. */
  readonly asked: number;
  /** Of one process, at most. */
  readonly memoryMb: number;
  /** Free on this machine, or in this container, in MiB. */
  readonly availableMb: number;
  readonly seeds: number;
}

export interface Workers {
  readonly count: number;
  /** Processes that may wait for their seed beside them. */
  readonly ahead: number;
  /** Why there are fewer than were asked for. */
  readonly why?: string;
}

/** For this process, which holds the model's answers and what waits to be written, in MiB. */
const reserveMb = 256;

/** As many processes as were asked for, as far as there is memory, and work, for them; at least one. */
export function workersFor({ asked, memoryMb, availableMb, seeds }: WorkersFor): Workers {
  const fitting = Math.max(1, Math.floor((availableMb - reserveMb) / memoryMb));
  if (fitting < Math.min(asked, seeds))
    return {
      count: fitting,
      ahead: 0,
      why: `memory: ${String(fitting)} of ${String(asked)} workers fit into ${String(Math.floor(availableMb))} MiB that are free, at ${String(memoryMb)} MiB each (worker_memory_mb) and ${String(reserveMb)} MiB for the rest`,
    };
  const count = Math.max(1, Math.min(asked, seeds));
  return { count, ahead: Math.min(count, Math.max(0, fitting - count)) };
}
