/** A failure that a server answers with. */
export class Refusal extends Error {
  readonly status: number;
  readonly body: unknown;

  constructor(status: number, body: unknown) {
    super(`status ${String(status)}`);
    this.status = status;
    this.body = body;
  }
}
