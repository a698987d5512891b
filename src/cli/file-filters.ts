import { FilterError } from '../errors.ts';
import type { RawProgram } from '../filter/cbpf.ts';
import { compileProgram, type LinkType } from '../filter/compile-expression.ts';
import { compileFilter, type CompiledFilter } from '../filter/compiler.ts';
import { ProgramError } from '../filter/program-error.ts';
import { tokenise } from '../filter/tokenise.ts';
import type { ExpressionCompiler } from '../filter/cbpf.ts';
import { DEFAULT_SNAPLEN } from './capture-options.ts';
import { filterProgram } from './filter-program.ts';
import { linkTypeNumbers } from './link-types.ts';

/** What an expression is for the packets of one link type. */
export interface LinkFilter {
  /** The cBPF program that `filter` was made of. */
  readonly program: RawProgram;
  readonly filter: CompiledFilter;
}

const MANY_TOKENS = 160;
const REJECTS_ALL = 'expression rejects all packets';
const NOTHING: RawProgram = [{ code: 0x06, jt: 0, jf: 0, k: 0 }];

/**
 * The filter of an expression for packets of a link type.
 *
 * @returns libpcap's words when the expression is right but not for this link type
 * @throws FilterError when it is right for none
 */
export function linkFilter(
  expression: string,
  linkType: number,
  compiler: ExpressionCompiler,
): LinkFilter | { readonly refusal: string } {
  const request = { linkType, snaplen: DEFAULT_SNAPLEN, optimize: true };
  const result =
    quickProgram(expression, linkType, compiler) ?? compiler.compile(expression, request);
  if ('program' in result) {
    return { program: result.program, filter: translate(expression, result.program) };
  }
  const elsewhere = linkTypeNumbers().some(
    (other) => 'program' in compiler.compile(expression, { ...request, linkType: other }),
  );
  // Throws: nowhere is it right.
  if (!elsewhere) filterProgram(expression, compiler, request);
  if (result.error !== REJECTS_ALL) return { refusal: result.error };
  return { program: NOTHING, filter: translate(expression, NOTHING) };
}

/** libpcap's own program of the whole expression: what tcpdump would run. */
export function referenceProgram(
  expression: string,
  linkType: number,
  compiler: ExpressionCompiler,
): RawProgram {
  const request = { linkType, snaplen: DEFAULT_SNAPLEN, optimize: true };
  const result = compiler.compile(expression, request);
  return 'program' in result ? result.program : NOTHING;
}

/** Long expressions take libpcap minutes: a capture's way is to compile them in pieces. */
function quickProgram(
  expression: string,
  linkType: number,
  compiler: ExpressionCompiler,
): { readonly program: RawProgram } | undefined {
  if (tokenise(expression).length < MANY_TOKENS) return undefined;
  try {
    return { program: compileProgram(expression, compiler, linkType as LinkType) };
  } catch (error) {
    if (error instanceof FilterError) return undefined;
    throw error;
  }
}

/** @throws FilterError at the word that brought about what cannot be translated */
export function translate(expression: string, program: RawProgram): CompiledFilter {
  try {
    return compileFilter(program, { symbol: 'xcap_filter' });
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error;
    const culprit = tokenise(expression).find(({ text }) => error.keywords.includes(text));
    throw new FilterError(expression, culprit?.start ?? 0, error.message, { cause: error });
  }
}
