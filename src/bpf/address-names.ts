import { XcapError } from '../errors.ts';
import type { AddressNames } from '../kernel/symbols.ts';
import { insn, OP, PSEUDO, returning } from './insn.ts';
import { BpfMap } from './map.ts';
import { ATTACH_TYPE, BpfProgram, PROG_TYPE } from './program.ts';
import { Attr, BPF_CMD, bpfError } from './syscall.ts';
import { rawTracepointRunner } from './test-run.ts';

/** Since 5.13 (commit 7b15523a989b). */
const FUNC_SNPRINTF = 165;
const BPF_MAP_TYPE_ARRAY = 2;
const BPF_F_RDONLY_PROG = 1 << 7;
/** `function+0xoffset/0xsize [module]`: sprint_symbol(), kernel/kallsyms.c. */
const FORMAT = '%pS\0\0\0\0\0';
/** KSYM_SYMBOL_LEN of 6.1 and later is 572. */
const TEXT_BYTES = 640;

/**
 * Makes what has the kernel itself write an address as `%pS` does: in a hundredth of a millisecond, and as of now, where
 * all of kallsyms takes a tenth of a second to read and has to be read again when a module comes. Program and map stay as
 * long as the process.
 *
 * @returns undefined where a program cannot do that: before 5.13, or without the privilege
 */
export function createAddressNames(): AddressNames | undefined {
  try {
    return load();
  } catch (error) {
    if (error instanceof XcapError) return undefined;
    throw error;
  }
}

function load(): AddressNames {
  using format = array('xcap_format', FORMAT.length, BPF_F_RDONLY_PROG);
  format.update(new Uint8Array(4), new TextEncoder().encode(FORMAT));
  const frozen = new Attr(4).u32(0, format.fd).call(BPF_CMD.mapFreeze);
  if (frozen < 0) throw bpfError('freezing map xcap_format', 'bpf(BPF_MAP_FREEZE)', frozen);
  const text = array('xcap_text', TEXT_BYTES, 0);
  try {
    const program = BpfProgram.load(
      {
        name: 'xcap_names',
        type: PROG_TYPE.rawTracepoint,
        attachType: ATTACH_TYPE.none,
        attachBtfId: 0,
        license: 'GPL',
      },
      instructions(text, format),
    );
    const run = rawTracepointRunner(program, 1);
    const decoder = new TextDecoder('latin1');
    return (address) => {
      run(address);
      const bytes = text.lookup(0, TEXT_BYTES);
      return decoder.decode(bytes.subarray(0, bytes.indexOf(0)));
    };
  } catch (error) {
    text[Symbol.dispose]();
    throw error;
  }
}

function array(name: string, valueSize: number, flags: number): BpfMap {
  return BpfMap.create({
    ...{ name, type: BPF_MAP_TYPE_ARRAY, keySize: 4, valueSize, maxEntries: 1, flags },
  });
}

/** `bpf_snprintf(text, TEXT_BYTES, format, &ctx[0], 8)` */
function instructions(text: BpfMap, format: BpfMap): Uint8Array {
  const valueOf = (register: number, { fd }: BpfMap): readonly Uint8Array[] => [
    insn(OP.ldImm64, register, PSEUDO.mapValue, 0, fd),
    insn(0, 0, 0, 0, 0),
  ];
  return Uint8Array.from(
    Buffer.concat([
      insn(OP.ldxDw, 4, 1, 0, 0),
      insn(OP.stxDw, 10, 4, -8, 0),
      ...valueOf(1, text),
      insn(OP.movImm, 2, 0, 0, TEXT_BYTES),
      ...valueOf(3, format),
      insn(OP.movReg, 4, 10, 0, 0),
      insn(OP.addImm, 4, 0, 0, -8),
      insn(OP.movImm, 5, 0, 0, 8),
      insn(OP.call, 0, 0, 0, FUNC_SNPRINTF),
      ...returning(0),
    ]),
  );
}
