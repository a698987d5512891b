import { RuntimeError, type XcapErrorOptions } from '../errors.ts';

/** The compiler refused the text; `messages` is all that it said. */
export class CompileError extends RuntimeError {
  readonly messages: string;

  constructor(message: string, messages: string, options?: XcapErrorOptions) {
    super(message, options);
    this.messages = messages;
  }
}
