/** A process: where it runs (`machine`, opaque), its id there, and when it began (opaque, empty where nobody can tell). */
export interface ProcessName {
  readonly machine: string;
  readonly pid: number;
  readonly begun: string;
}

/**
 * What a member's client id says of it beside its name in the brokers' logs. `process`: which one, and its how-manieth consumer this
 * is. `instance`: a name of the user's that outlives processes; whoever bears it with the higher `term` came later (`nonce` decides
 * between two that came at once).
 */
export type MemberName =
  | ({ readonly kind: 'process'; readonly serial: number } & ProcessName)
  | { readonly kind: 'instance'; readonly instance: string; readonly term: number; readonly nonce: string };

/** What an instance may be called: it goes into client ids, which go into the names of the brokers' metrics. */
export const instancePattern = /^[\w.-]{1,64}$/;

const ofProcess = /\.at-([0-9a-f]{12})-(\d{1,10})-(\d{0,20})-(\d{1,9})$/;
const ofInstance = /\.as-([\w.-]{1,64})-([0-9a-z]{1,11})-([0-9a-z]{1,8})$/;

export function clientIdOf(base: string, name: MemberName): string {
  if (name.kind === 'process') return `${base}.at-${name.machine}-${String(name.pid)}-${name.begun}-${String(name.serial)}`;
  return `${base}.as-${name.instance}-${name.term.toString(36)}-${name.nonce}`;
}

/** Undefined for a client id that is not one of ours, or carries no name. */
export function memberNameOf(clientId: string): MemberName | undefined {
  const [, machine, pid, begun, serial] = ofProcess.exec(clientId) ?? [];
  if (machine !== undefined && begun !== undefined) return { kind: 'process', machine, pid: Number(pid), begun, serial: Number(serial) };
  const [, instance, term = '', nonce] = ofInstance.exec(clientId) ?? [];
  if (instance === undefined || nonce === undefined) return undefined;
  return { kind: 'instance', instance, term: Number.parseInt(term, 36), nonce };
}
