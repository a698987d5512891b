import { FilterError } from '../errors.ts';
import { findCaret } from '../filter/caret.ts';
import type { ExpressionCompiler, RawProgram } from '../filter/cbpf.ts';

export interface ProgramRequest {
  /** DLT number; any that libpcap compiles for. */
  readonly linkType: number;
  readonly snaplen: number;
  readonly optimize: boolean;
}

/**
 * The program that tcpdump would show for an expression.
 *
 * @throws FilterError with the place of the fault
 */
export function filterProgram(
  expression: string,
  compiler: ExpressionCompiler,
  request: ProgramRequest,
): RawProgram {
  const result = compiler.compile(expression, request);
  if ('program' in result) return result.program;
  const accepts = (text: string): boolean =>
    'program' in compiler.compile(text, { ...request, optimize: false });
  const nul = expression.indexOf('\0');
  const column = nul >= 0 ? nul : findCaret(expression, result.error, accepts);
  throw new FilterError(expression, column, `compiling the filter: ${result.error}`, {
    hint: 'the language is that of tcpdump: man 7 pcap-filter',
  });
}
