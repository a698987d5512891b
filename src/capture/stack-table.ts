import { STACK_FAILED } from '../abi/events.ts';
import { STACKS } from '../abi/maps.ts';
import type { Names } from '../records/names.ts';
import type { Stacks } from '../records/stacks.ts';

/**
 * The first frames of a stack that a BPF program asked for: its own, its trampoline's, and what calls
 * programs at tracepoints, kprobes and kprobe.multi. Without a name: JIT code that kallsyms does not list.
 */
const OWN =
  /^(0x|bpf_prog_[0-9a-f]+_xcap_|bpf_trampoline_|__bpf_prog_|bpf_trace_run\d|__bpf_trace_|__traceiter_|bpf_get_stackid|kprobe_multi_link_|trace_call_bpf|kprobe_perf_func|kprobe_dispatcher|kprobe_ftrace_handler|fprobe_|ftrace_|arch_ftrace_|function_graph_enter)/;
const EEXIST = 17;
const ENOMEM = 12;

/** Kernel stacks by their numbers, each read from the map and named once: its place stays taken. */
export class StackTable implements Stacks {
  readonly #read: (id: number) => Uint8Array | undefined;
  readonly #names: Pick<Names, 'location' | 'frame'>;
  readonly #known = new Map<number, readonly string[] | undefined>();
  #noRoom = 0;
  #failed = 0;

  /** @param read the value of the map: addresses, ended by 0 or by the depth that was asked for */
  constructor(
    read: (id: number) => Uint8Array | undefined,
    names: Pick<Names, 'location' | 'frame'>,
  ) {
    this.#read = read;
    this.#names = names;
  }

  of(stack: number): readonly string[] | undefined {
    if (stack === 0 || stack >= STACK_FAILED) return undefined;
    const id = stack - 1;
    if (!this.#known.has(id)) this.#known.set(id, this.#name(id));
    return this.#known.get(id);
  }

  count(stack: number): void {
    if (stack < STACK_FAILED) return;
    const errno = stack - STACK_FAILED;
    if (errno === EEXIST || errno === ENOMEM) this.#noRoom++;
    else this.#failed++;
  }

  /** For the sum: events without their stack. */
  notes(): readonly string[] {
    return [
      ...(this.#noRoom > 0
        ? [
            `${this.#noRoom} events without their stack: its place was taken by another one (${this.#known.size} different ones were seen, ${STACKS} places)`,
          ]
        : []),
      ...(this.#failed > 0
        ? [
            `${this.#failed} event${this.#failed === 1 ? '' : 's'} without their stack: the kernel could not walk it`,
          ]
        : []),
    ];
  }

  #name(id: number): readonly string[] | undefined {
    const value = this.#read(id);
    if (value === undefined) return undefined;
    const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
    const frames: string[] = [];
    for (let at = 0; at + 8 <= value.length; at += 8) {
      const address = view.getBigUint64(at, true);
      if (address === 0n) break;
      // A kprobe's stack begins where it hit: the first byte of a function, that no call returns to.
      frames.push(
        at === 0
          ? this.#names.location(address)
          : (this.#names.frame ?? this.#names.location)(address),
      );
    }
    const first = frames.findIndex((frame) => !OWN.test(frame));
    // Of none a name is known: rather all of them than none.
    return first < 0 ? frames : frames.slice(first);
  }
}
