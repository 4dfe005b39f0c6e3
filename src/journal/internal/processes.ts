import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** A process that can be told from a later one with the same id. */
export interface ProcessStamp {
  readonly pid: number;
  readonly host: string;
  /** When it began, in the system's own words; absent where the system does not say. */
  readonly started?: string;
}

export const ownStamp = (): ProcessStamp => stampOf(process.pid);

function stampOf(pid: number): ProcessStamp {
  const started = startOf(pid);
  return { pid, host: hostname(), ...(started !== undefined && { started }) };
}

/** Whether the process that left `stamp` runs; of another machine nobody here can know, so it does. */
export function mayRun(stamp: ProcessStamp): boolean {
  if (stamp.host !== hostname()) return true;
  if (!isThere(stamp.pid)) return false;
  const started = startOf(stamp.pid);
  return stamp.started === undefined || started === undefined || started === stamp.started;
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'; // somebody else's
  }
}

/** On Linux: which boot, and how many ticks after it. A process id is given again, in a container often at once. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // the name before it may hold anything
    const ticks = fields[startField];
    return ticks === undefined ? undefined : `${readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()}/${ticks}`;
  } catch {
    return undefined;
  }
}

const startField = 19; // the 22nd, of which two stand before the bracket
