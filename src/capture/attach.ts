import { KprobeLink, KprobeMultiLink, kprobePmuType, type KprobeTarget } from '../bpf/kprobe.ts';
import { openModuleBtf } from '../bpf/module-btf.ts';
import { openProgram } from '../bpf/programs.ts';
import { ATTACH_TYPE, BpfProgram, PROG_TYPE, TracepointLink } from '../bpf/program.ts';
import { PermissionError, SystemError, UnsupportedError, XcapError } from '../errors.ts';
import { cookieOf } from '../codegen/cookie.ts';
import type { Watcher } from '../codegen/who.ts';
import type { ResolvedHook } from '../hooks/resolved.ts';
import type { Backend } from '../hooks/spec.ts';
import { xdpActionName } from '../hooks/xdp-actions.ts';
import { Disposer } from '../util/disposer.ts';
import type { HookMaps } from './hook-maps.ts';

/** Longest name of a program that the kernel keeps: BPF_OBJ_NAME_LEN with its NUL. */
const NAME_MAX = 15;

/** `xcap_icmp_rcv`: how bpftool and profilers show the program. */
function programName(id: string): string {
  return `xcap_${id.replaceAll(/[^A-Za-z0-9_]+/g, '_')}`.slice(0, NAME_MAX);
}

const TYPES: Readonly<Record<Backend, readonly [type: number, attachType: number]>> = {
  'tp-btf': [PROG_TYPE.tracing, ATTACH_TYPE.traceRawTp],
  'raw-tp': [PROG_TYPE.rawTracepoint, ATTACH_TYPE.none],
  fentry: [PROG_TYPE.tracing, ATTACH_TYPE.traceFentry],
  fexit: [PROG_TYPE.tracing, ATTACH_TYPE.traceFexit],
  kprobe: [PROG_TYPE.kprobe, ATTACH_TYPE.none],
  kretprobe: [PROG_TYPE.kprobe, ATTACH_TYPE.none],
  'kprobe-multi': [PROG_TYPE.kprobe, ATTACH_TYPE.traceKprobeMulti],
  // The attach type is that of the map: HookMaps.
  xdp: [PROG_TYPE.xdp, ATTACH_TYPE.xdp],
};

/** @throws PermissionError, SystemError, VerifierError */
export function loadProgram(
  hook: ResolvedHook,
  license: string,
  insns: Uint8Array,
  maps: HookMaps,
  callback: number | undefined,
): BpfProgram {
  const [type, attachType] = TYPES[hook.backend];
  const typed = type === PROG_TYPE.tracing;
  using target = typed ? openTarget(hook) : undefined;
  return BpfProgram.load(
    {
      name: programName(
        hook.verdict === undefined ? hook.id : `xdp_${xdpActionName(hook.verdict)}`,
      ),
      type,
      attachType,
      attachBtfId: typed ? hook.attachBtfId : 0,
      attachBtfFd: target?.fd,
      license,
      callback,
      ...(hook.backend === 'xdp' ? maps.of(hook).mode : {}),
    },
    insns,
  );
}

/** @throws PermissionError, SystemError, VerifierError */
export function loadWatcher(watcher: Watcher, license: string, insns: Uint8Array): BpfProgram {
  const { at } = watcher;
  const [type, attachType] = TYPES[at.kind === 'tracepoint' ? 'raw-tp' : at.kind];
  const attachBtfId = at.kind === 'tracepoint' ? 0 : at.btfId;
  const name = programName(watcher.function.replace(/^xcap_/, ''));
  return BpfProgram.load({ name, type, attachType, attachBtfId, license }, insns);
}

/** What `attachBtfId` counts in; undefined for the kernel's own types. */
function openTarget({ program, module }: ResolvedHook): (Disposable & { fd: number }) | undefined {
  if (program !== undefined) return openProgram(program.id);
  return module === undefined ? undefined : openModuleBtf(module);
}

/** Programs at their places; detached when disposed. */
export interface Attachment extends Disposable {
  /** Events that never got to the program, beside its own recursion_misses. */
  misses?(): number;
}

/** A hook, and its number among those of the run. */
export interface NumberedHook {
  readonly hook: ResolvedHook;
  readonly number: number;
}

/**
 * Attaches a program to all that it serves: several hooks only by kprobe.multi.
 *
 * @throws PermissionError, UnsupportedError: nothing is attached then
 */
export function attachProgram(
  traced: readonly NumberedHook[],
  program: BpfProgram,
  maps: HookMaps,
): Attachment {
  const [first] = traced;
  if (first === undefined) throw new RangeError('a program without a hook');
  const { hook } = first;
  try {
    switch (hook.backend) {
      case 'kprobe':
      case 'kretprobe':
        return attachKprobes(first, program);
      case 'kprobe-multi':
        return KprobeMultiLink.open(
          program,
          traced.flatMap((each) =>
            each.hook.addresses.map((address) => ({
              address,
              cookie: cookieOf(each.hook, each.number),
            })),
          ),
        );
      case 'xdp':
        return maps.of(hook).put(hook.verdict ?? 0, program);
      case 'raw-tp':
        return TracepointLink.open(program, hook.target);
      default:
        return TracepointLink.open(program, undefined);
    }
  } catch (error) {
    throw attachError(hook, error);
  }
}

function attachKprobes({ hook, number }: NumberedHook, program: BpfProgram): Attachment {
  const pmuType = kprobePmuType();
  if (pmuType === undefined) throw new UnsupportedError('this kernel has no kprobes');
  const targets: readonly KprobeTarget[] =
    hook.addresses.length === 0
      ? [{ name: hook.target }]
      : hook.addresses.map((address) => ({ address }));
  const held = new Disposer();
  const links: KprobeLink[] = [];
  try {
    for (const target of targets) {
      const cookie = hook.cookie ? cookieOf(hook, number) : undefined;
      const at = hook.backend === 'kretprobe' ? 'return' : 'entry';
      links.push(held.add(KprobeLink.open(program, target, pmuType, cookie, at)));
    }
  } catch (error) {
    held[Symbol.dispose]();
    throw error;
  }
  return {
    misses: () => links.reduce((sum, link) => sum + link.misses(), 0),
    [Symbol.dispose]: () => {
      held[Symbol.dispose]();
    },
  };
}

/** What the errors of a refused attachment mean, in words. */
const REFUSALS: Readonly<Record<string, string>> = {
  EINVAL: 'the kernel does not let it be probed',
  EILSEQ: 'the kernel finds no instruction there to probe',
  EBUSY: 'something else is patched into it, or it cannot be patched',
  ENOENT: 'it is gone: was its module unloaded?',
  EADDRNOTAVAIL: 'there are several functions of that name',
  EOPNOTSUPP: 'the kernel cannot attach to functions in this way',
  ENOTSUPP: 'the kernel cannot attach to functions in this way',
  E2BIG: 'too many programs are attached there already',
};

/** @returns the error to throw: what is wrong with the hook, not with a system call */
function attachError(hook: ResolvedHook, error: unknown): unknown {
  if (error instanceof PermissionError || !(error instanceof XcapError)) return error;
  if (hook.backend === 'xdp') return error;
  const code = error instanceof SystemError ? error.code : undefined;
  const why = (code === undefined ? undefined : REFUSALS[code]) ?? error.message;
  const detail = error instanceof SystemError ? ` (${error.call}: ${error.code})` : '';
  return new UnsupportedError(`attaching ${hook.id}: ${hook.place}: ${why}${detail}`, {
    cause: error,
    hint: error.hint ?? 'another backend may do: --backend kprobe, or kprobe.multi, or fentry',
  });
}
