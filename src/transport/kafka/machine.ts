import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';
import type { ProcessName } from './member-name.ts';

/** What can be told of this machine's processes. */
export interface Machine {
  /** This process; undefined where the machine cannot be told from others. */
  readonly self: ProcessName | undefined;
  /** True only for a process of this machine that does not exist any more, for sure. */
  readonly isGone: (process: ProcessName) => boolean;
}

let known: Machine | undefined;

/** This machine, as this process sees it. */
export function thisMachine(): Machine {
  known ??= machineOf(process.platform === 'linux' ? linuxSelf() : otherSelf());
  return known;
}

function machineOf(self: ProcessName | undefined): Machine {
  return {
    self,
    isGone: ({ machine, pid, begun }) => {
      if (self === undefined || machine !== self.machine) return false;
      if (pid === self.pid) return begun !== self.begun; // a predecessor had the number that is ours now
      return !exists(pid) || hasEnded(pid, begun);
    },
  };
}

/**
 * A boot and the process ids of a container in it: within one such place a process id and a start time (in ticks since the boot)
 * name one process, and a place whose number is used again has no process left. Cloned virtual machines tell themselves apart
 * by their host name, if at all; where they do not, a member that lives may be left, which costs it a new join and no record.
 */
function linuxSelf(): ProcessName | undefined {
  const boot = attempt(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
  const processes = attempt(() => readlinkSync('/proc/self/ns/pid'));
  const time = attempt(() => readlinkSync('/proc/self/ns/time')) ?? ''; // start times are told in it; kernels before 5.6 have none
  const stat = statOf(process.pid);
  if (boot === undefined || boot === '' || processes === undefined || stat === undefined) return undefined;
  return { machine: digest(['linux', boot, processes, time, hostname()]), pid: process.pid, begun: stat.begun };
}

/** Elsewhere there is no start time to be had for free, so a number that is in use again is taken for the process that had it. */
function otherSelf(): ProcessName | undefined {
  const addresses = Object.values(networkInterfaces())
    .flatMap((found) => found ?? [])
    .filter(({ internal, mac }) => !internal && mac !== '00:00:00:00:00:00')
    .map(({ mac }) => mac);
  if (addresses.length === 0) return undefined;
  return { machine: digest([process.platform, hostname(), ...[...new Set(addresses)].sort()]), pid: process.pid, begun: '' };
}

/** Short, and nothing can be read out of it. */
const digest = (parts: readonly string[]): string => createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 12);

function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH'); // EPERM: somebody else's
  }
}

/** Whether the number belongs to another process by now, or to what is left of this one until its parent has looked. */
function hasEnded(pid: number, begun: string): boolean {
  if (begun === '') return false;
  const stat = statOf(pid);
  return stat !== undefined && (stat.begun !== begun || stat.state === 'Z' || stat.state === 'X');
}

/** The name in the second field may hold spaces and brackets. */
function statOf(pid: number): { readonly state: string; readonly begun: string } | undefined {
  const text = attempt(() => readFileSync(`/proc/${String(pid)}/stat`, 'utf8'));
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, begun] = [fields?.[0], fields?.[19]];
  return state !== undefined && begun !== undefined && /^[1-9]\d*$/.test(begun) ? { state, begun } : undefined;
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
