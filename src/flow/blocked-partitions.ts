import type { SourceBlock } from '../record/run.ts';
import type { Owned } from './owned.ts';
import type { SourceOptions } from './source-options.ts';

type Rules = Pick<SourceOptions, 'ordering' | 'maxAboveWatermark'>;

/** Whether none of the partitions lets a record in although the window would; of none at all nobody knows what they would. */
export function blockOf(partitions: readonly Owned[], { ordering, maxAboveWatermark }: Rules): SourceBlock | undefined {
  if (partitions.length === 0) return undefined;
  const isBusy = (one: Owned): boolean => (ordering === 'partition' && one.lanes.busy > 0) || one.isFull(maxAboveWatermark);
  if (!partitions.every((one) => one.isParked || isBusy(one))) return undefined;
  return partitions.some(isBusy) ? 'full' : 'shut'; // what is parked waits for its time
}
