import { MAP_PLACEHOLDER } from '../abi/maps.ts';
import type { CompiledFilter } from '../filter/compiler.ts';
import { flag } from './flag.ts';
import { compose } from './compose.ts';
import type { ProgramUnit } from './program.ts';

export interface PredicateInput {
  /** Their symbols differ. */
  readonly filters: readonly CompiledFilter[];
  /** The verifier accepts stack reads at variable offsets (5.12). */
  readonly varStackRead: boolean;
  /** Bytes for the packet in its map. */
  readonly packetBytes: number;
  readonly readTemplate: (path: string) => string;
}

/** One program for each filter, which runs it on the packet in map 0. */
export function generatePredicates(input: PredicateInput): ProgramUnit {
  const functions = input.filters.map((_, i) => `xcap_predicate${i}`);
  const config = {
    XCAP_TYPED: 0,
    XCAP_MAP_PLACEHOLDER: MAP_PLACEHOLDER,
    XCAP_VAR_STACK: flag(input.varStackRead),
    XCAP_PACKET_BYTES: input.packetBytes,
  };
  const programs = input.filters.flatMap(({ symbol, text, windowBytes }, i) => [
    text,
    `XCAP_PREDICATE(${functions[i] ?? ''}, ${symbol}, ${Math.max(8, windowBytes)})`,
  ]);
  return {
    text: compose({
      entries: ['predicate.bpf.c'],
      generated: {
        'config.gen.h': Object.entries(config)
          .map(([name, value]) => `#define ${name} ${value}\n`)
          .join(''),
        'predicate.gen.h': `${programs.join('\n')}\n`,
      },
      readTemplate: input.readTemplate,
    }),
    functions,
  };
}
