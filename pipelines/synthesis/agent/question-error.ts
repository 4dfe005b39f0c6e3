/** A question that has no answer. */
export class QuestionError extends Error {
  readonly code: string;
  /** Whether only this answer is lost (it did not fit, was cut off, refused): other questions may well have one. */
  readonly isOfAnswer: boolean;

  constructor(code: string, message: string, isOfAnswer: boolean) {
    super(message);
    this.name = 'QuestionError';
    this.code = code;
    this.isOfAnswer = isOfAnswer;
  }
}
