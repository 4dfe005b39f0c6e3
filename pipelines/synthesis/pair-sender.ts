import { type Client, json, type Journal, topic } from 'millrace';
import { z } from 'zod';
import type { PairLine } from './pair-line.ts';

/** Sends pairs to a topic, each with its seed's id as the key. One that was sent is noted in the journal, and not sent again, whatever ends the run in between: at least once, and rarely twice. */
export function pairSender(client: Client, journal: Journal, name: string): (lines: readonly PairLine[]) => Promise<void> {
  const pairs = topic(name, json(z.custom<PairLine>()));
  return async (lines) => {
    for (const line of lines) {
      const key = ['sent', name, line.pair_id];
      if ((await journal.get(key)) !== undefined) continue;
      await client.produce(pairs, [{ key: line.source_id, value: line }]);
      await journal.append(key, true);
    }
  };
}
