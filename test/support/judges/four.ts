import type { CompiledObject } from '../../../src/compile/object.ts';
import { openLibpcap } from '../../../src/ffi/libpcap.ts';
import type { RawProgram } from '../../../src/filter/cbpf.ts';
import { compileFilter, type CompiledFilter } from '../../../src/filter/compiler.ts';
import { decode } from '../../../src/filter/decode.ts';
import type { CbpfInsn } from '../../../src/filter/insn.ts';
import { interpret } from '../../../src/filter/interpret.ts';
import { compilePredicates, PacketJudge } from '../../../src/judge/packet-judge.ts';
import { buildNative, findCompiler, type Run } from '../../unit/filter/support/native-c.ts';
import { trace } from './trace.ts';

/** A program that every judge is asked about. */
export interface Question {
  /** As a person would find it again. */
  readonly name: string;
  readonly program: RawProgram;
}

export interface JudgesOptions {
  /** Stack reads at variable offsets, for verifiers from 5.12 on. */
  readonly varStack: boolean;
  /** Without the C by gcc or clang where there is none, or it is slow. */
  readonly native: boolean;
  /** Programs compiled before, instead of compiling. */
  readonly object?: CompiledObject;
}

interface Judged extends Question {
  readonly insns: readonly CbpfInsn[];
}

const pcap = openLibpcap();
const compiler = findCompiler();

/** The filters of questions, symbols apart. */
export const filtersOf = (questions: readonly Question[]): readonly CompiledFilter[] =>
  questions.map(({ program }, i) => compileFilter(program, { symbol: `filter${i}` }));

/**
 * Our interpreter, the emitted C compiled natively, libpcap's bpf_filter(), the program in the kernel;
 * and a second interpreter, which tells where Linux and libpcap differ by intention.
 */
export class Judges implements Disposable {
  readonly #judged: readonly Judged[];
  readonly #native: Run | undefined;
  readonly #kernel: PacketJudge;
  /** Answers of libpcap that counted, and those that did not because Linux means something else. */
  readonly asked = { pairs: 0, matched: 0, libpcapApart: 0 };

  private constructor(judged: readonly Judged[], native: Run | undefined, kernel: PacketJudge) {
    this.#judged = judged;
    this.#native = native;
    this.#kernel = kernel;
  }

  /** @throws when a compiler or the verifier refuses one of them */
  static async build(questions: readonly Question[], options: JudgesOptions): Promise<Judges> {
    const filters = filtersOf(questions);
    const varStackRead = options.varStack;
    const native =
      options.native && compiler !== undefined
        ? buildNative(
            compiler,
            filters,
            options.varStack ? 'variable stack reads' : 'constant stack reads',
          )
        : undefined;
    const [run, object] = await Promise.all([
      native,
      options.object ?? compilePredicates(filters, { varStackRead }),
    ]);
    const judged = questions.map((question) => ({ ...question, insns: decode(question.program) }));
    return new Judges(judged, run, new PacketJudge(object));
  }

  /** @returns undefined when all agree, else what each says */
  compare(index: number, packet: Uint8Array, wireLength: number): string | undefined {
    const judged = this.#judged[index];
    if (judged === undefined) throw new RangeError(`there is no program ${index}`);
    const { program, insns } = judged;
    const expected = interpret(insns, packet, wireLength);
    const second = trace(program, packet, wireLength);
    const apart = second.wideShift || second.wrappedIndex;
    const answers: Record<string, number> = { interpreter: expected, second: second.returned };
    if (!apart) answers['libpcap'] = pcap.evaluate(program, packet, wireLength);
    if (this.#native !== undefined) {
      answers['native'] = this.#native(index, packet, { wireLength, behind: 0xa5 });
    }
    this.#kernel.show(packet, wireLength);
    answers['kernel'] = this.#kernel.ask(index);
    this.asked.pairs += 1;
    if (expected !== 0) this.asked.matched += 1;
    if (apart) this.asked.libpcapApart += 1;
    for (const key in answers) if (answers[key] !== expected) return JSON.stringify(answers);
    return undefined;
  }

  [Symbol.dispose](): void {
    this.#kernel[Symbol.dispose]();
  }
}
