/** What `--topic-prefix` of a command puts before the names of its topics: what is given, with a dot behind it; nothing, where it is empty. */
export const topicPrefixFrom = (given: string): string => (given === '' || given.endsWith('.') ? given : `${given}.`);
