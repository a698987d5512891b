import { FilterError } from '../errors.ts';
import { findCaret } from './caret.ts';
import { compileLong } from './compile-long.ts';
import { withoutLinkTerms, writeParts } from './link-terms.ts';
import { splitParts } from './parts.ts';
import type { ExpressionCompiler, RawProgram } from './cbpf.ts';
import type { CompiledFilter } from './compiler.ts';
import { compileFilter } from './compiler.ts';
import { ProgramError } from './program-error.ts';
import type { Token } from './tokenise.ts';
import { tokenise } from './tokenise.ts';
import { forOffloadedTag } from './vlan-tag.ts';

/** DLT_ numbers as libpcap takes them (pcap/dlt.h). */
export const LINK_TYPE = { ethernet: 1, raw: 12 } as const;
export type LinkType = (typeof LINK_TYPE)[keyof typeof LINK_TYPE];

/** tcpdump's default: the value that a match returns. */
const SNAPLEN = 262144;
const REJECTS_ALL = 'expression rejects all packets';
const ONLY_LINK = 'it matches by their link header only';
const NOTHING: RawProgram = [{ code: 0x06, jt: 0, jf: 0, k: 0 }];

/** One expression for both kinds of packet; plain data. */
export interface FilterPair {
  readonly expression: string;
  /** For packets that start at an Ethernet header. */
  readonly l2: CompiledFilter;
  /** The same where the kernel keeps the outer VLAN tag beside the packet; undefined: as `l2`. */
  readonly l2Tagged: CompiledFilter | undefined;
  /** For packets that start at an IP header; undefined when that cannot be told (see `note`). */
  readonly l3: CompiledFilter | undefined;
  /** Why there is no `l3`, in libpcap's words. */
  readonly note: string | undefined;
}

/**
 * Compiles an expression for packets with and without a link header.
 *
 * @returns undefined for an empty expression: no filter
 * @throws FilterError with the place of the fault
 */
export function compileExpression(
  expression: string,
  compiler: ExpressionCompiler,
  symbols: { readonly l2: string; readonly l2Tagged: string; readonly l3: string } = {
    l2: 'xcap_filter_l2',
    l2Tagged: 'xcap_filter_l2_tagged',
    l3: 'xcap_filter_l3',
  },
): FilterPair | undefined {
  const tokens = tokenise(expression);
  if (tokens.length === 0) return undefined;
  const l2 = compileText(expression, compiler, LINK_TYPE.ethernet);
  const l3 = compileNetworkLayer(expression, tokens, compiler);
  const l2Program = programOr(l2, NOTHING);
  const taggedText = forOffloadedTag(tokens);
  const tagged =
    taggedText === undefined ? undefined : compileText(taggedText, compiler, LINK_TYPE.ethernet);
  const taggedProgram = tagged && programOr(tagged, NOTHING);
  // libpcap knows the link layer's words for Ethernet only: its other refusals count there.
  const nothingMatches = [l2, l3, tagged].every((result) => result?.error !== undefined || !result);
  if (l2Program === undefined || nothingMatches) {
    throw refusal(expression, l2.error ?? '', compiler, LINK_TYPE.ethernet);
  }
  // A filter that asks for a link header only says so of packets that have none.
  const l3Program = programOr(l3, l3.linkTerms === true ? undefined : NOTHING);
  const translate = (program: RawProgram, symbol: string): CompiledFilter =>
    withPlace(expression, () => compileFilter(program, { symbol }));
  return {
    expression,
    l2: translate(l2Program, symbols.l2),
    l2Tagged: taggedProgram && translate(taggedProgram, symbols.l2Tagged),
    l3: l3Program && translate(l3Program, symbols.l3),
    note: l3Program === undefined ? (l3.linkTerms === true ? ONLY_LINK : l3.error) : undefined,
  };
}

/**
 * A program as it is, whatever header a packet starts with.
 *
 * @param expression what the user asked for
 * @throws ProgramError
 */
export function filterByProgram(expression: string, program: RawProgram): FilterPair {
  return {
    expression,
    l2: compileFilter(program, { symbol: 'xcap_filter_l2' }),
    l2Tagged: undefined,
    l3: compileFilter(program, { symbol: 'xcap_filter_l3' }),
    note: undefined,
  };
}

/**
 * The program that libpcap makes, for `-d`.
 *
 * @throws FilterError with the place of the fault
 */
export function compileProgram(
  expression: string,
  compiler: ExpressionCompiler,
  linkType: LinkType,
  options: { readonly optimize: boolean } = { optimize: true },
): RawProgram {
  const result = compileText(expression, compiler, linkType, options.optimize);
  if (result.error === undefined) return result.program;
  throw refusal(expression, result.error, compiler, linkType);
}

type Result =
  { readonly program: RawProgram; readonly error?: undefined } | { readonly error: string };

/**
 * For packets that have no link header. libpcap refuses the whole expression for a term about one,
 * and takes `ether[0]` for the packet's first byte: such terms are false, and the rest counts.
 */
function compileNetworkLayer(
  expression: string,
  tokens: readonly Token[],
  compiler: ExpressionCompiler,
): Result & { readonly linkTerms?: boolean } {
  const { parts, doubtful } = splitParts(tokens);
  const accepts = (term: string): boolean =>
    compileWhole(term, compiler, LINK_TYPE.raw, false).error === undefined;
  const without = withoutLinkTerms(parts, accepts);
  const asGiven = (): Result => compileText(expression, compiler, LINK_TYPE.raw);
  if (without === undefined) return asGiven();
  // Shows that the terms were told apart rightly: spelled out they mean the same.
  const [given, spelledOut] = [expression, writeParts(parts)].map((text) =>
    tokens.length > LONG ? undefined : compileWhole(text, compiler, LINK_TYPE.ethernet, false),
  );
  if (!isDeepEqual(given, spelledOut) || (tokens.length > LONG && doubtful)) {
    const error = asGiven().error ?? 'its terms about the link header cannot be told apart';
    return { error };
  }
  return { ...compileText(writeParts(without), compiler, LINK_TYPE.raw), linkTerms: true };
}

const isDeepEqual = (left: unknown, right: unknown): boolean =>
  JSON.stringify(left) === JSON.stringify(right);

/** More tokens than this are compiled in pieces. */
const LONG = 160;
/** What stands behind one of these is looked for in another place. */
const CONTEXTS: ReadonlySet<string> = new Set([
  ...['vlan', 'mpls', 'pppoed', 'pppoes', 'geneve', 'vxlan', 'protochain'],
]);

function compileText(
  expression: string,
  compiler: ExpressionCompiler,
  linkType: LinkType,
  optimize = true,
): Result {
  const tokens = optimize ? tokenise(expression) : [];
  if (tokens.length > LONG && !tokens.some(({ text }) => CONTEXTS.has(text))) {
    const { parts, doubtful } = splitParts(tokens);
    const program = doubtful
      ? undefined
      : compileLong(parts, (text) => programOr(compileWhole(text, compiler, linkType), NOTHING));
    if (program !== undefined) return { program };
  }
  return compileWhole(expression, compiler, linkType, optimize);
}

function compileWhole(
  expression: string,
  compiler: ExpressionCompiler,
  linkType: LinkType,
  optimize = true,
): Result {
  return compiler.compile(expression, { linkType, snaplen: SNAPLEN, optimize });
}

/** `whenAllRejected` stands for an expression that is right but that no packet can match. */
function programOr(result: Result, whenAllRejected?: RawProgram): RawProgram | undefined {
  if (result.error === undefined) return result.program;
  return result.error === REJECTS_ALL ? whenAllRejected : undefined;
}

function refusal(
  expression: string,
  message: string,
  compiler: ExpressionCompiler,
  linkType: LinkType,
): FilterError {
  // Not optimised, so that an expression that rejects everything still counts as one.
  const accepts = (text: string): boolean =>
    compileText(text, compiler, linkType, false).error === undefined;
  const nul = expression.indexOf('\0');
  const column = nul >= 0 ? nul : findCaret(expression, message, accepts);
  return new FilterError(expression, column, `compiling the filter: ${message}`, {
    hint: 'the language is that of tcpdump: man 7 pcap-filter',
  });
}

/** Gives a ProgramError the place of the word that brought it about. */
function withPlace<T>(expression: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error;
    const culprit = tokenise(expression).find(({ text }) => error.keywords.includes(text));
    throw new FilterError(expression, culprit?.start ?? 0, error.message, { cause: error });
  }
}
