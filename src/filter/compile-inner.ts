import { FilterError } from '../errors.ts';
import type { ExpressionCompiler } from './cbpf.ts';
import { compileExpression, type FilterPair } from './compile-expression.ts';

/** --inner: there has to be an inner packet, and it has to match. */
export interface InnerFilter {
  /** Undefined: any inner packet will do. Its VLAN tags are always in its bytes: `l2Tagged` is not used. */
  readonly filter: FilterPair | undefined;
}

/**
 * Compiles the expression for the packet inside a tunnel packet, which starts at an Ethernet or at
 * an IP header.
 *
 * @throws FilterError with the place of the fault
 */
export function compileInner(expression: string, compiler: ExpressionCompiler): InnerFilter {
  const symbols = { l2: 'xcap_inner_l2', l2Tagged: 'xcap_inner_l2_tagged', l3: 'xcap_inner_l3' };
  try {
    return { filter: compileExpression(expression, compiler, symbols) };
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    const message = error.message.replace(/^compiling the filter\b/, '$& of --inner');
    const { hint } = error;
    throw new FilterError(error.expression, error.column, message, {
      cause: error,
      ...(hint === undefined ? {} : { hint }),
    });
  }
}
