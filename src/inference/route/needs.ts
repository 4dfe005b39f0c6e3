import type { ChatOptions, ChatTurn, Model, ModelCapabilities, Prompt } from '../model.ts';
import { missingSampling } from '../internal/capability.ts';
import { resolveChatOptions } from '../internal/chat-options.ts';
import { estimatePromptTokens, estimateTokens } from '../internal/estimate-tokens.ts';
import { turnsOf } from '../internal/prompt.ts';
import type { Fit, Need } from './pool.state.ts';

/** What a call asks for, as far as it decides who can be asked. */
export interface Ask {
  /** The capability without which a model cannot do it. @defaultValue none: all can */
  readonly capability?: 'completion' | 'embeddings' | 'reranking' | 'tensors';
  readonly options?: ChatOptions | undefined;
  /** Estimates. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly prefix: string;
  /** Only a model of this name may answer. */
  readonly only?: string | undefined;
}

/** What a label takes, whatever its length: it is read off, or a word or two. */
const labelTokens = 16;
const prefixLength = 256;

/** Of a prompt that is answered in text. @throws OptionError for what is no prompt, and options out of range. */
export function askOfPrompt(prompt: Prompt, options: ChatOptions | undefined): Ask {
  const turns = turnsOf(prompt);
  const { maxTokens } = resolveChatOptions(options, 'answer');
  return { options, inputTokens: estimatePromptTokens(turns), outputTokens: maxTokens, prefix: prefixOf(turns) };
}

export function askOfLabels(prompt: Prompt): Ask {
  const turns = turnsOf(prompt);
  return { inputTokens: estimatePromptTokens(turns), outputTokens: labelTokens, prefix: prefixOf(turns) };
}

/** Of texts whose results are numbers. */
export function askOfTexts(capability: NonNullable<Ask['capability']>, texts: readonly string[], only?: string): Ask {
  const inputTokens = texts.reduce((sum, text) => sum + (typeof text === 'string' ? estimateTokens(text) : 0), 1);
  return { capability, inputTokens, outputTokens: 0, prefix: String(texts[0]).slice(0, prefixLength), only };
}

/**
 * What is the same for the calls that should meet the same model: the turns before the last one, up to the first of the user's, which are a system prompt and an
 * example, or the beginning of a conversation. Of a single turn its first 256 characters.
 */
export function prefixOf(turns: readonly ChatTurn[]): string {
  const fixed = turns.slice(0, -1);
  const user = fixed.findIndex(({ role }) => role === 'user');
  const kept = user < 0 ? fixed : fixed.slice(0, user + 1);
  if (kept.length === 0) return turns[0]?.content.slice(0, prefixLength) ?? '';
  return kept.map(({ role, content }) => `${role}: ${content}`).join('\n');
}

/** The same for each member, open or not. */
export function needOf(ask: Ask, members: readonly (Model | undefined)[]): Need {
  const { inputTokens, outputTokens, prefix } = ask;
  return {
    tokens: inputTokens + outputTokens,
    inputTokens,
    outputTokens,
    prefix,
    fits: members.map((one) => (one ? fitOf(ask, one) : 'no')),
  };
}

function fitOf(ask: Ask, { name, capabilities }: Model): Fit {
  if (lacks(ask, name, capabilities)) return 'no';
  const { contextTokens = Infinity } = capabilities;
  // the answer alone fills it: no count of the prompt is needed to know
  if (ask.outputTokens >= contextTokens) return 'too-long';
  return ask.inputTokens + ask.outputTokens <= contextTokens ? 'yes' : 'perhaps';
}

function lacks({ capability, options, only }: Ask, name: string, capabilities: ModelCapabilities): boolean {
  if (capability !== undefined && !capabilities[capability]) return true;
  return (only !== undefined && only !== name) || missingSampling(name, capabilities, options) !== undefined;
}
