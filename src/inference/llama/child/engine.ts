import { stat } from 'node:fs/promises';
import type * as NodeLlamaCpp from 'node-llama-cpp';
import type { ChatHistoryItem, Llama, LlamaContextSequence, LlamaModel, Token, Tokenizer } from 'node-llama-cpp';
import { InferenceError, messageOf, PipelineError } from '../../../errors.ts';
import type { ChatTurn } from '../../model.ts';
import type { Pooling } from '../engine-options.ts';
import { fileIdentity } from '../gguf/file-identity.ts';
import type { EngineFacts, EngineSettings } from '../protocol.ts';
import { openContext } from './open-context.ts';

type Vendor = typeof NodeLlamaCpp;
type Wrapper = InstanceType<Vendor['ChatWrapper']>;
export type Log = (level: 'debug' | 'warn' | 'error', message: string) => void;

/** A model in memory, with one context whose sequences are decoded together. */
export interface Engine {
  readonly vendor: Vendor;
  readonly llama: Llama;
  readonly model: LlamaModel;
  readonly sequences: readonly LlamaContextSequence[];
  readonly settings: EngineSettings;
  readonly facts: EngineFacts;
  /** The prompt as the model wants it, up to where its answer begins. */
  readonly render: (turns: readonly ChatTurn[], tokenizer?: Tokenizer) => Token[];
  /** Plain text as the beginning of what the model goes on writing; never a special token, but for the one that begins every text. */
  readonly begin: (text: string, tokenizer?: Tokenizer) => Token[];
}

/**
 * Loads the model of `settings` and all that its calls need.
 *
 * @throws InferenceError `model_not_found`, `model_damaged`, `resource_exhausted`; PipelineError `missing_dependency`; OptionError.
 */
export async function openEngine(settings: EngineSettings, log: Log): Promise<Engine> {
  const vendor = await loadVendor();
  await requireSameFile(settings);
  const llama = await vendor
    .getLlama({
      gpu: settings.gpu,
      build: 'never', // a compiler run in the middle of a start helps nobody
      skipDownload: true,
      maxThreads: settings.threads,
      logLevel: vendor.LlamaLogLevel.warn,
      logger: (level, message) => {
        log(level === vendor.LlamaLogLevel.error || level === vendor.LlamaLogLevel.fatal ? 'warn' : 'debug', message.trim());
      },
    })
    .catch((error: unknown) => {
      throw new PipelineError('missing_dependency', noBinary(settings.gpu), { cause: error });
    });
  const model = await loadModel(vendor, llama, settings);
  const { context, contextTokens } = await openContext(llama, model, settings);
  const { name } = model.fileInfo.metadata.general;
  return {
    vendor,
    llama,
    model,
    settings,
    sequences: Array.from({ length: settings.sequences }, () => context.getSequence()),
    facts: { modelName: name ?? settings.modelPath, contextTokens, trainedTokens: model.trainContextSize, gpu: llama.gpu },
    render: promptRenderer(vendor, model, log),
    begin: (text, tokenizer = model.tokenizer) => begun(model, tokenizer(text, false)),
  };
}

async function loadModel(vendor: Vendor, llama: Llama, { modelPath, tuning: { gpuLayers, pooling } }: EngineSettings): Promise<LlamaModel> {
  const layers = gpuLayers === 'all' ? 'max' : gpuLayers;
  try {
    const metadataOverrides = pooling === undefined ? {} : await poolingOverride(vendor, modelPath, pooling);
    return await llama.loadModel({ modelPath, gpuLayers: layers, metadataOverrides });
  } catch (error) {
    throw new InferenceError('model_damaged', `${modelPath} could not be loaded: ${messageOf(error)}`);
  }
}

/** llama.cpp's numbers; the vendor has no option for it, but the model's own header has. */
const poolingTypes = { mean: 1, cls: 2, last: 3 } as const;

async function poolingOverride(vendor: Vendor, modelPath: string, pooling: Pooling): Promise<Record<string, { pooling_type: number }>> {
  const { metadata } = await vendor.readGgufFileInfo(modelPath, { sourceType: 'filesystem', logWarnings: false });
  return { [metadata.general.architecture]: { pooling_type: poolingTypes[pooling] } };
}

async function loadVendor(): Promise<Vendor> {
  try {
    return await import('node-llama-cpp');
  } catch (error) {
    const install = 'npm install node-llama-cpp@3.21.1';
    throw new PipelineError(
      'missing_dependency',
      `llama() needs the package node-llama-cpp, which could not be loaded (${messageOf(error)}): run \`${install}\``,
    );
  }
}

const noBinary = (gpu: EngineSettings['gpu']): string =>
  gpu === 'auto' || gpu === false
    ? 'node-llama-cpp has no prebuilt library for this machine: run `npm install node-llama-cpp@3.21.1` on it, with optional dependencies'
    : `node-llama-cpp has no library for gpu: '${gpu}' here: install its driver, or use gpu: 'auto' or false`;

/**
 * The application has read the header, with caps, before it started this process, and native code sees no other file: also one that
 * is started again after a crash loads what was looked at then, or nothing.
 */
async function requireSameFile({ modelPath, modelIdentity }: EngineSettings): Promise<void> {
  const facts = await stat(modelPath).catch(() => undefined);
  if (!facts?.isFile())
    throw new InferenceError('model_not_found', `there is no model file at ${modelPath} any more: put it back, and open the model again`);
  if (fileIdentity(facts) === modelIdentity) return;
  throw new InferenceError('model_damaged', `${modelPath} has changed since it was looked at: open the model again`);
}

/** The model's own template, where its file has one; else ChatML. Text of the turns never becomes a special token. */
function promptRenderer(vendor: Vendor, model: LlamaModel, log: Log): Engine['render'] {
  const wrapper = chatWrapper(vendor, model, log);
  return (turns, tokenizer = model.tokenizer) => {
    const answering = turns.at(-1)?.role === 'assistant' ? [] : [{ type: 'model' as const, response: [] }];
    const chatHistory: ChatHistoryItem[] = [...turns.map(historyItem), ...answering];
    return begun(model, wrapper.generateContextState({ chatHistory }).contextText.tokenize(tokenizer));
  };
}

/** With the token that begins every text, where the model wants one and the template has not set it. */
function begun({ tokens: { bos, shouldPrependBosToken } }: LlamaModel, tokens: Token[]): Token[] {
  return !shouldPrependBosToken || bos === null || tokens[0] === bos ? tokens : [bos, ...tokens];
}

function historyItem({ role, content }: ChatTurn): ChatHistoryItem {
  return role === 'assistant' ? { type: 'model', response: [content] } : { type: role, text: content };
}

function chatWrapper(vendor: Vendor, model: LlamaModel, log: Log): Wrapper {
  const template: unknown = model.fileInfo.metadata.tokenizer.chat_template;
  if (typeof template === 'string') {
    try {
      return new vendor.JinjaTemplateChatWrapper({ template, tokenizer: model.tokenizer });
    } catch (error) {
      log('warn', `the model's chat template could not be used, taking the one for its family: ${messageOf(error)}`);
      return vendor.resolveChatWrapper(model);
    }
  }
  return new vendor.ChatMLChatWrapper();
}
