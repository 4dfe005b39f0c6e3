import type { ChatTurn } from 'millrace';
import type { Chance } from './chance.ts';
import type { TokenCount } from './findings.ts';
import type { SeedOrder } from './order.ts';
import type { AskModel, Question, Reply } from './question.ts';

/** Asks for one seed: the same question, in the same place, has the same chance. Counts what it took. */
export class Desk {
  readonly chance: Chance;
  readonly #ask: AskModel;
  readonly #order: SeedOrder;
  #input = 0;
  #output = 0;
  #model = '';

  constructor(ask: AskModel, order: SeedOrder, chance: Chance) {
    this.#ask = ask;
    this.#order = order;
    this.chance = chance;
  }

  get tokens(): TokenCount {
    return { input: this.#input, output: this.#output };
  }

  /** The model that answered last; '' before. */
  get model(): string {
    return this.#model;
  }

  /** @throws QuestionError */
  async ask(step: Question['step'], turns: readonly ChatTurn[], jsonSchema: Question['jsonSchema']): Promise<Reply> {
    const { maxAnswerTokens: maxTokens, temperature } = this.#order;
    const isCheck = step === 'answer' || step === 'compare';
    const seed = this.chance.integer();
    const reply = await this.#ask({ step, turns, jsonSchema, maxTokens, temperature: isCheck ? 0 : temperature, seed });
    this.#input += reply.inputTokens;
    this.#output += reply.outputTokens;
    this.#model = reply.model;
    return reply;
  }
}
