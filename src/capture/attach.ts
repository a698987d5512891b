import { openModuleBtf } from '../bpf/module-btf.ts';
import { ATTACH_TYPE, BpfProgram, PROG_TYPE, TracepointLink } from '../bpf/program.ts';
import type { ResolvedHook } from '../hooks/resolved.ts';

/** Longest name of a program that the kernel keeps: BPF_OBJ_NAME_LEN with its NUL. */
const NAME_MAX = 15;

/** `xcap_icmp_rcv`: how bpftool and profilers show the program. */
export function programName(id: string): string {
  return `xcap_${id.replaceAll(/[^A-Za-z0-9_]+/g, '_')}`.slice(0, NAME_MAX);
}

/** @throws PermissionError, SystemError, VerifierError */
export function loadProgram(hook: ResolvedHook, license: string, insns: Uint8Array): BpfProgram {
  const typed = hook.backend === 'tp-btf';
  using btf = typed && hook.module !== undefined ? openModuleBtf(hook.module) : undefined;
  return BpfProgram.load(
    {
      name: programName(hook.id),
      type: typed ? PROG_TYPE.tracing : PROG_TYPE.rawTracepoint,
      attachType: typed ? ATTACH_TYPE.traceRawTp : ATTACH_TYPE.none,
      attachBtfId: typed ? hook.attachBtfId : 0,
      attachBtfFd: btf?.fd,
      license,
    },
    insns,
  );
}

/** @throws PermissionError, SystemError */
export function attachProgram(hook: ResolvedHook, program: BpfProgram): Disposable {
  return TracepointLink.open(program, hook.backend === 'raw-tp' ? hook.target : undefined);
}
