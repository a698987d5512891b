import { EXIT, XcapError } from '../errors.ts';

/**
 * A cBPF program that cannot be translated. It knows instructions, not the expression:
 * compile-expression.ts turns it into a FilterError. `keywords` are the words of an expression that
 * bring such a program about.
 */
export class ProgramError extends XcapError {
  readonly keywords: readonly string[];

  constructor(message: string, keywords: readonly string[] = []) {
    super(EXIT.filter, message);
    this.keywords = keywords;
  }
}
