/** What a target speaks. */
export const targetKinds = ['openai-chat', 'openai-completions', 'generate', 'sse'] as const;

export type TargetKind = (typeof targetKinds)[number];

const pathOf: Readonly<Record<TargetKind, string>> = {
  'openai-chat': '/chat/completions',
  'openai-completions': '/completions',
  generate: '/generate',
  sse: '',
};

export interface Target {
  readonly url: URL;
  readonly kind: TargetKind;
}

/** By its path, where nothing else is told: a bare host, and a path that ends in a version, is the base URL of OpenAI's clients. */
export function targetOf(url: URL, kind: TargetKind | 'auto'): Target {
  const path = url.pathname.replace(/\/+$/, '');
  const isBase = path === '' || /\/v\d+$/.test(path);
  const found = kind === 'auto' ? kindOf(path, isBase) : kind;
  if (!isBase || found === 'sse') return { url, kind: found };
  const whole = new URL(url);
  whole.pathname = `${path === '' ? '/v1' : path}${pathOf[found]}`;
  return { url: whole, kind: found };
}

function kindOf(path: string, isBase: boolean): TargetKind {
  if (isBase || path.endsWith('/chat/completions')) return 'openai-chat';
  if (path.endsWith('/completions')) return 'openai-completions';
  return path.endsWith('/generate') ? 'generate' : 'sse';
}

/** As it may be shown: neither credentials nor a query, which may hold a key. */
export const shownUrl = (url: URL): string => `${url.origin}${url.pathname}`;
