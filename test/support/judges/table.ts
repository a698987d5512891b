import { openLibpcap } from '../../../src/ffi/libpcap.ts';
import { compileFilter } from '../../../src/filter/compiler.ts';
import { ProgramError } from '../../../src/filter/program-error.ts';
import { EXPRESSIONS, KERNEL_ONLY } from '../../unit/filter/support/expressions.ts';
import { LINK_EXPRESSIONS, MORE_EXPRESSIONS } from '../../unit/filter/support/more-expressions.ts';
import type { Question } from './four.ts';

export interface TableEntry extends Question {
  readonly linkType: number;
}

const pcap = openLibpcap();
const ETHERNET = 1;
const RAW = 12;

function entry(expression: string, linkType: number, optimize: boolean): readonly TableEntry[] {
  const result = pcap.compile(expression, { linkType, snaplen: 262144, optimize });
  if (!('program' in result)) return [];
  try {
    compileFilter(result.program, { symbol: 'f' });
  } catch (error) {
    if (error instanceof ProgramError) return [];
    throw error;
  }
  const name = `${expression} (link type ${linkType}${optimize ? '' : ', not optimised'})`;
  return [{ name, program: result.program, linkType }];
}

/**
 * The programs of all expressions for Ethernet, for raw IP where it has words for them, for the link
 * types of their own; a fourth of them not optimised too: those are longer and use M[] more.
 */
export function tableEntries(): readonly TableEntry[] {
  const all = [...EXPRESSIONS, ...KERNEL_ONLY, ...MORE_EXPRESSIONS];
  return [
    ...all.flatMap((expression, i) => [
      ...entry(expression, ETHERNET, true),
      ...(i % 4 === 0 ? entry(expression, ETHERNET, false) : []),
      ...entry(expression, RAW, true),
    ]),
    ...[...LINK_EXPRESSIONS].flatMap(([linkType, expressions]) =>
      expressions.flatMap((expression) => entry(expression, linkType, true)),
    ),
  ];
}
