const leastStem = 4;
const ending = /(?:ations?|ions?|ings?|ians?|ers?|ors?|ery|ed|es|ish|ly|al|an|s|e|a|y)$/;

/** What English words of one kind begin with: `invent` of inventor, invented and invention. A rule of endings, and no dictionary: `bought` and `buy` stay apart. */
export function stemOf(word: string): string {
  const stem = word.replace(ending, '');
  return stem.length >= leastStem ? stem : word;
}
