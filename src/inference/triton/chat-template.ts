import type { ChatTurn } from '../model.ts';
import type { ChatTemplate } from './triton-options.ts';

interface Template {
  readonly turn: (role: ChatTurn['role'], content: string) => string;
  /** Begins the answer. */
  readonly begin: string;
  /** What ends it, should the server let it through. */
  readonly stop: readonly string[];
  /** What the server would take for its own. */
  readonly markers: RegExp;
}

const angled = /<\|(?=[\w-]{1,40}\|>)/g;

/** The beginning-of-text token is the server's to add. */
const templates: Readonly<Record<Exclude<ChatTemplate, (turns: readonly ChatTurn[]) => string>, Template>> = {
  chatml: {
    turn: (role, content) => `<|im_start|>${role}\n${content}<|im_end|>\n`,
    begin: '<|im_start|>assistant\n',
    stop: ['<|im_end|>'],
    markers: angled,
  },
  'llama-3': {
    turn: (role, content) => `<|start_header_id|>${role}<|end_header_id|>\n\n${content}<|eot_id|>`,
    begin: '<|start_header_id|>assistant<|end_header_id|>\n\n',
    stop: ['<|eot_id|>'],
    markers: angled,
  },
  gemma: {
    // it knows no system turn: what stands there is said by the user
    turn: (role, content) => `<start_of_turn>${role === 'assistant' ? 'model' : 'user'}\n${content}<end_of_turn>\n`,
    begin: '<start_of_turn>model\n',
    stop: ['<end_of_turn>'],
    markers: /<(?=(start_of_turn|end_of_turn|bos|eos)>)/g,
  },
};

/** Turns as one text, and what ends the answer. Markers in a turn are broken after their first character, so that nobody's words open another turn. */
export function templated(turns: readonly ChatTurn[], template: ChatTemplate): { readonly text: string; readonly stop: readonly string[] } {
  if (typeof template === 'function') return { text: template(turns), stop: [] };
  const { turn, begin, stop, markers } = templates[template];
  const said = turns.map(({ role, content }) =>
    turn(
      role,
      content.replace(markers, (found) => `${found[0] ?? ''}\u200b${found.slice(1)}`),
    ),
  );
  return { text: `${said.join('')}${begin}`, stop };
}
