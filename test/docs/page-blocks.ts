/** A code block of a page. */
export interface Block {
  /** `operators/drop.md:17`, where its text begins. */
  readonly at: string;
  /** What stands behind the fence: `ts`, `ts run`, `ts pipeline`, `sh`, or nothing. */
  readonly kind: string;
  readonly text: string;
  /** Of a program: what it prints, as the page says in the block behind it. */
  readonly prints: string | undefined;
}

/** The code blocks of a page, in their order. */
export function blocksOf(page: string, markdown: string): readonly Block[] {
  const found: { at: string; kind: string; text: string; endsAt: number; beginsAt: number }[] = [];
  const fences = /^```([^\n`]*)\n(.*?)^```$/gms;
  for (const match of markdown.matchAll(fences)) {
    const [whole, kind = '', text = ''] = match;
    const line = markdown.slice(0, match.index).split('\n').length + 1;
    found.push({ at: `${page}:${String(line)}`, kind: kind.trim(), text, beginsAt: match.index, endsAt: match.index + whole.length });
  }
  return found.map(({ at, kind, text, endsAt }, n) => {
    const next = found[n + 1];
    const isOutput = next?.kind === 'text' && markdown.slice(endsAt, next.beginsAt).trim() === '';
    return { at, kind, text, prints: kind === 'ts run' && isOutput ? next.text.trimEnd() : undefined };
  });
}
