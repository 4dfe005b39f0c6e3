import type { CommandContext } from 'millrace';

/** Fetches a model where it is not here yet, and shows how far it is. Says nothing of what is in the cache. */
export async function showPull(context: CommandContext, name: string): Promise<void> {
  const { out } = context;
  await context.pull(name, ({ phase, bytes, totalBytes }) => {
    if (phase === 'ready') return;
    const of = totalBytes === undefined ? '' : ` of ${(totalBytes / 1e6).toFixed(1)} MB`;
    out.live(`fetching ${name}, once for all projects of this user: ${phase} ${(bytes / 1e6).toFixed(1)} MB${of}`);
  });
  out.live(undefined);
}
