import type { PullProgress } from './artifacts/artifact.ts';
import type { CommandContext } from './command.ts';

/** Fetches a model or data set where it is not here yet, and shows how far it is. Says nothing of what is in the cache. */
export async function showPull(context: CommandContext, name: string): Promise<string> {
  const { out } = context;
  let isFetching = false;
  const path = await context.pull(name, (progress) => {
    if (progress.phase === 'ready') return;
    if (!isFetching) out.note(`fetching ${name}, once for all projects of this user`);
    isFetching = true;
    out.live(pullLine(progress));
  });
  out.live(undefined);
  return path;
}

function pullLine({ artifact, phase, source, bytes, totalBytes }: PullProgress): string {
  const size = totalBytes === undefined ? megabytes(bytes) : `${megabytes(bytes)} of ${megabytes(totalBytes)}`;
  return `${artifact}: ${phase}${phase === 'downloading' && bytes > 0 ? ` ${size}` : ''} · ${source}`;
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
