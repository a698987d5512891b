import { readFileSync } from 'node:fs';
import type { MapSpec } from '../abi/maps.ts';
import { BpfMap } from '../bpf/map.ts';
import { ATTACH_TYPE, BpfProgram, PROG_TYPE } from '../bpf/program.ts';
import { rawTracepointRunner } from '../bpf/test-run.ts';
import { generatePredicates } from '../codegen/predicate.ts';
import { PROGRAM_LICENSE } from '../codegen/program.ts';
import { relocate, type CompiledObject } from '../compile/object.ts';
import { ObjectCompiler } from '../compile/object-compiler.ts';
import { liftMemlockLimit, mmapShared, munmap, pageSize, PROT } from '../ffi/libc.ts';
import { viewOf } from '../ffi/library.ts';
import type { CompiledFilter } from '../filter/compiler.ts';
import { Disposer } from '../util/disposer.ts';
import { packageFile } from '../util/package.ts';

/** Longest packet that is judged: MAXIMUM_SNAPLEN of libpcap. */
export const PACKET_MAX = 262_144;
/**
 * A filter fetches up to this much from a packet's start, however short it is: there is room behind
 * each, filled with what no filter may let have a say.
 */
const SLACK = 256;
const POISON = 0xa5;

/** struct xcap_packet of templates/predicate.bpf.c. */
const CAPTURED = 0;
const WIRE = 4;
const BYTES = 16;
const BPF_F_MMAPABLE = 1 << 10;
const PACKET_MAP: MapSpec = {
  name: 'xcap_packet',
  type: 2,
  keySize: 4,
  valueSize: BYTES + PACKET_MAX + SLACK,
  maxEntries: 1,
  flags: BPF_F_MMAPABLE,
};

/** Compiles filters to programs that a PacketJudge loads; plain data. */
export async function compilePredicates(
  filters: readonly CompiledFilter[],
  options: { readonly varStackRead: boolean },
): Promise<CompiledObject> {
  const source = generatePredicates({
    filters,
    varStackRead: options.varStackRead,
    packetBytes: PACKET_MAX + SLACK,
    readTemplate: (path) => readFileSync(packageFile('templates', path), 'utf8'),
  });
  const compiler = await ObjectCompiler.start(undefined);
  try {
    return await compiler.compile({
      units: [source],
      maps: [PACKET_MAP],
      license: PROGRAM_LICENSE,
    });
  } finally {
    compiler[Symbol.dispose]();
  }
}

/** Filters loaded into the kernel, to be run on packets one at a time. Nothing is attached. */
export class PacketJudge implements Disposable {
  readonly #owned = new Disposer();
  readonly #runners: readonly (() => number)[];
  readonly #fields: DataView;
  readonly #bytes: Uint8Array;

  /** @throws PermissionError, SystemError, VerifierError */
  constructor(object: CompiledObject) {
    try {
      liftMemlockLimit();
      const map = this.#owned.add(BpfMap.create(PACKET_MAP));
      const length = Math.ceil(PACKET_MAP.valueSize / pageSize()) * pageSize();
      const address = mmapShared(map.fd, length, PROT.read | PROT.write, 0);
      this.#owned.add({
        [Symbol.dispose]: () => {
          munmap(address, length);
        },
      });
      const memory = viewOf(address, PACKET_MAP.valueSize);
      this.#fields = new DataView(memory);
      this.#bytes = new Uint8Array(memory, BYTES);
      const fds = new Map([[PACKET_MAP.name, map.fd]]);
      this.#runners = object.programs.map((program) => {
        const spec = {
          name: 'xcap_predicate',
          type: PROG_TYPE.rawTracepoint,
          attachType: ATTACH_TYPE.none,
          attachBtfId: 0,
          license: object.license,
        };
        return rawTracepointRunner(this.#owned.add(BpfProgram.load(spec, relocate(program, fds))));
      });
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** Puts a packet where the filters look. @throws RangeError above PACKET_MAX bytes */
  show(packet: Uint8Array, wireLength: number): void {
    if (packet.length > PACKET_MAX) throw new RangeError(`a packet of ${packet.length} bytes`);
    this.#bytes.set(packet);
    this.#bytes.fill(POISON, packet.length, packet.length + SLACK);
    this.#fields.setUint32(CAPTURED, packet.length, true);
    this.#fields.setUint32(WIRE, wireLength, true);
  }

  /** What filter number `index` returns for the packet shown last: 0 for no match. */
  ask(index: number): number {
    const run = this.#runners[index];
    if (run === undefined) throw new RangeError(`there is no filter ${index}`);
    return run();
  }

  [Symbol.dispose](): void {
    this.#owned[Symbol.dispose]();
  }
}
