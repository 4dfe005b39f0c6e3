import type { SourceBlock } from '../record/run.ts';
import type { Owned } from './owned.ts';
import type { SourceOptions } from './source-options.ts';

type Rules = Pick<SourceOptions, 'ordering' | 'maxAboveWatermark'>;

interface Reading {
  readonly partitions: readonly Owned[];
  readonly closedBy: string | undefined;
  readonly window: { readonly isHeld: boolean };
}

/** Why a source that runs emits nothing: its window is closed, or none of its partitions lets a record in (of none at all nobody knows). */
export function blockOf({ partitions, closedBy, window }: Reading, { ordering, maxAboveWatermark }: Rules): SourceBlock | undefined {
  if (closedBy !== undefined) return window.isHeld ? 'shut' : 'full';
  if (partitions.length === 0) return undefined;
  const isBusy = (one: Owned): boolean => (ordering === 'partition' && one.lanes.busy > 0) || one.isFull(maxAboveWatermark);
  if (!partitions.every((one) => one.isParked || isBusy(one))) return undefined;
  return partitions.some(isBusy) ? 'full' : 'shut'; // what is parked waits for its time
}
