import type { CallMeter, CallScope } from '../../call.ts';

type Usage = Parameters<CallMeter['used']>[0];

/**
 * The meters of one call's attempts at several models, some of them at the same time. Budgets count one request after the other: what another attempt has got so
 * far is told anew when one ends. Holds a number an attempt.
 */
export class AttemptMeters {
  readonly #scope: CallScope;
  readonly #pending = new Map<AttemptMeter, number>();

  constructor(scope: CallScope) {
    this.#scope = scope;
  }

  /** @param model who is asked */
  begin(inputTokens: number, model: string): AttemptMeter {
    this.#scope.meter?.sent(true); // the one before may have taken that back
    return new AttemptMeter(this, this.#scope.meter, inputTokens, model);
  }

  received(by: AttemptMeter, tokens: number): void {
    this.#pending.set(by, (this.#pending.get(by) ?? 0) + tokens);
    this.#scope.meter?.received(tokens);
  }

  used(by: AttemptMeter, usage: Usage): void {
    this.#pending.delete(by);
    const { meter } = this.#scope;
    meter?.used(usage);
    for (const tokens of this.#pending.values()) meter?.received(tokens);
  }

  /**
   * An attempt was given up while the call goes on: what it took is paid for. Budgets are told by nobody else; the record is, by the model itself, where some of the
   * answer had come.
   */
  abandoned(by: AttemptMeter, inputTokens: number, model: string): void {
    const outputTokens = this.#pending.get(by) ?? 0;
    this.used(by, { inputTokens, outputTokens });
    if (outputTokens === 0) this.#scope.used?.({ inputTokens, cachedTokens: 0, outputTokens, model });
  }
}

/** What one attempt tells. */
export class AttemptMeter implements CallMeter {
  readonly #all: AttemptMeters;
  readonly #outer: CallMeter | undefined;
  readonly #inputTokens: number;
  readonly #model: string;
  #requests = 0;

  constructor(all: AttemptMeters, outer: CallMeter | undefined, inputTokens: number, model: string) {
    this.#all = all;
    this.#outer = outer;
    this.#inputTokens = inputTokens;
    this.#model = model;
  }

  observe(headers: Parameters<CallMeter['observe']>[0]): void {
    this.#outer?.observe(headers);
  }

  received(tokens: number): void {
    this.#all.received(this, tokens);
  }

  used(usage: Usage): void {
    this.#requests += 1;
    this.#all.used(this, usage);
  }

  sent(isSent: boolean): void {
    this.#outer?.sent(isSent);
  }

  /** Of what has told its use nothing is left to tell. */
  abandoned(): void {
    if (this.#requests === 0) this.#all.abandoned(this, this.#inputTokens, this.#model);
  }
}
