interface FetchedRecord {
  readonly offset: string;
  readonly key: Uint8Array | null;
  isControlRecord?: boolean;
  readonly batchContext?: { readonly producerId: string; readonly inTransaction: boolean };
}

/** The answer to a fetch for one partition. */
export interface FetchedRecords {
  readonly messages: readonly FetchedRecord[];
  /** Those that reach into the fetch, in the order in which they were aborted. */
  abortedTransactions?: readonly { readonly firstOffset: string; readonly producerId: string }[] | null;
}

const abortType = 0;

/**
 * Lets records of aborted transactions pass for control records, which kafkajs delivers to nobody and reads on behind. It tries to
 * keep them from readers, but takes the transactions in the order in which they were aborted, and one a record: where two overlap,
 * records of both are delivered as good. It also takes any record whose key is four zero bytes for the end of one. Time and memory
 * are linear in the fetch.
 */
export function hideAborted(partition: FetchedRecords): void {
  const { messages, abortedTransactions } = partition;
  if (!abortedTransactions || abortedTransactions.length === 0) return;
  partition.abortedTransactions = []; // nothing is left for kafkajs to do
  const begins = abortedTransactions
    .map(({ firstOffset, producerId }) => ({ firstOffset: BigInt(firstOffset), producerId }))
    .sort((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1))
    .values();
  const open = new Set<string>();
  let next = begins.next();
  for (const message of messages) {
    for (; !next.done && next.value.firstOffset <= BigInt(message.offset); next = begins.next()) open.add(next.value.producerId);
    const { key, isControlRecord, batchContext } = message;
    const producerId = String(batchContext?.producerId);
    if (isControlRecord === true) {
      if (key && key.length >= 4 && ((key[2] ?? 0) << 8) + (key[3] ?? 0) === abortType) open.delete(producerId);
    } else if (batchContext?.inTransaction === true && open.has(producerId)) message.isControlRecord = true;
  }
}
