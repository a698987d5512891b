import { UsageError } from '../errors.ts';
import { HOOK_SETS, LOGICAL_HOOKS } from './catalogue.ts';
import { PROFILES } from './profiles.ts';
import type { FunctionBackend, HookSpec } from './spec.ts';

/** Hook names that are promised and not there yet, by their form. */
const LATER = /^((uprobe|mbuf):.*)$/;

/**
 * The hooks that `names` stand for, each once, in the order given.
 *
 * @throws UsageError for a name of no known form
 */
export function parseHooks(names: readonly string[]): readonly HookSpec[] {
  const found = new Map<string, HookSpec>();
  for (const name of names.flatMap((each) => HOOK_SETS[each] ?? bothEnds(each))) {
    const spec = parseHook(name);
    if (!found.has(spec.id)) found.set(spec.id, spec);
  }
  return [...found.values()];
}

function parseHook(name: string): HookSpec {
  const hook = LOGICAL_HOOKS.find(({ id, aliases }) => id === name || aliases.includes(name));
  if (hook !== undefined) return { kind: 'logical', id: hook.id, hook };
  if (name.startsWith('tracepoint:')) return parseTracepoint(name);
  if (name.startsWith(PROFILE)) return parseProfile(name);
  if (name.startsWith('xdp:')) return parseXdp(name);
  if (name.startsWith('xdpmap:')) return parseXdpMap(name);
  if (name.startsWith('bpf:')) return parseProgram(name);
  if (LATER.test(name)) throw new UsageError(`choosing hooks: ${name}: not yet`);
  return parseFunction(name);
}

const PROFILE = 'profile:';

function parseProfile(typed: string): HookSpec {
  const found = PROFILES.find(({ name }) => typed === PROFILE + name);
  if (found !== undefined) {
    return { kind: 'profile', id: typed, members: parseHooks(found.hooks) };
  }
  throw new UsageError(`choosing hooks: ${typed}: no such profile`, {
    hint: `profiles are ${PROFILES.map(({ name }) => PROFILE + name).join(', ')}`,
  });
}

const RUNS = /^(?:xdp|bpf):(.*?)(@entry|@exit)?$/;

/** A hook at the runs of programs that names no end is two. */
function bothEnds(name: string): readonly string[] {
  const [, of, end] = RUNS.exec(name) ?? [];
  return of === undefined || end !== undefined ? [name] : [`${name}@entry`, `${name}@exit`];
}

function parseXdp(typed: string): HookSpec {
  const [, of = '', end = ''] = RUNS.exec(typed) ?? [];
  if (/^\S+$/.test(of)) {
    return { kind: 'xdp', id: typed, of, end: end === '@entry' ? 'entry' : 'exit' };
  }
  throw new UsageError(`choosing hooks: ${typed}: no device, and no program`, {
    hint: 'xdp:DEVICE, xdp:ID or xdp:PROGRAM, with @entry or @exit for one end only',
  });
}

function parseProgram(typed: string): HookSpec {
  const [, of = '', end = ''] = RUNS.exec(typed) ?? [];
  if (/^[^\s@]+$/.test(of)) {
    return { kind: 'bpf', id: typed, of, end: end === '@entry' ? 'entry' : 'exit' };
  }
  throw new UsageError(`choosing hooks: ${typed}: no program`, {
    hint: 'bpf:ID or bpf:NAME, with @entry or @exit for one end only',
  });
}

function parseTracepoint(typed: string): HookSpec {
  const [, category, name] = /^tracepoint:(\w+):(\w+)$/.exec(typed) ?? [];
  if (category !== undefined && name !== undefined) {
    return { kind: 'tracepoint', id: typed, category, name };
  }
  throw new UsageError(`choosing hooks: ${typed}: no name of a tracepoint`, {
    hint: 'tracepoint:CATEGORY:NAME, for example tracepoint:net:netif_rx',
  });
}

function parseXdpMap(typed: string): HookSpec {
  const path = typed.slice('xdpmap:'.length);
  if (path !== '') return { kind: 'xdp-map', id: typed, path };
  throw new UsageError(`choosing hooks: ${typed}: the path of a pinned map is missing`, {
    hint: 'xdpmap:/sys/fs/bpf/NAME',
  });
}

const PREFIXES: Readonly<
  Record<string, { readonly backend: FunctionBackend; readonly returns: boolean } | undefined>
> = {
  'fentry:': { backend: 'fentry', returns: false },
  'fexit:': { backend: 'fentry', returns: true },
  'kprobe:': { backend: 'kprobe', returns: false },
  'kretprobe:': { backend: 'kprobe', returns: true },
};

/** A name of C, and what compilers and linkers add: `.isra.0`, `.llvm.123`; or a pattern of such. */
const FUNCTION = /^(fentry:|fexit:|kprobe:|kretprobe:|)([A-Za-z_*?][\w.$*?]*)(?:@(\d+))?$/;

function parseFunction(typed: string): HookSpec {
  const [, prefix = '', name, number] = FUNCTION.exec(typed) ?? [];
  if (name === undefined) {
    throw new UsageError(`choosing hooks: ${typed}: no name of a hook`, { hint: FORMS });
  }
  if (number === '0') {
    throw new UsageError(`choosing hooks: ${typed}: arguments are counted from 1`, {
      hint: `${prefix}${name}@1 is the first`,
    });
  }
  const argument = number === undefined ? undefined : Number(number) - 1;
  const { backend, returns } = PREFIXES[prefix] ?? { backend: undefined, returns: false };
  const how = { backend, argument };
  if (name !== 'all' && !isPattern(name)) {
    return { kind: 'function', id: typed, name, ...how, returns };
  }
  if (returns) {
    throw new UsageError(`choosing hooks: ${typed}: return values are of functions by name`, {
      hint: `name each: ${prefix}ip_rcv,${prefix}icmp_rcv`,
    });
  }
  return { kind: 'functions', id: typed, pattern: name === 'all' ? '*' : name, ...how };
}

const isPattern = (name: string): boolean => /[*?]/.test(name);

/** Whether a name is one that a pattern stands for: `*` is any run of characters, `?` any one. */
export function patternMatcher(pattern: string): (name: string) => boolean {
  const escaped = pattern.replaceAll(/[.$+^(){}|[\]\\]/g, String.raw`\$&`);
  const regex = new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`);
  return (name) => regex.test(name);
}

/** The forms that a hook's name has. */
export const FORMS = `hooks are ${LOGICAL_HOOKS.map(({ id }) => id).join(', ')}, afxdp, xdp:DEVICE|ID|PROGRAM[@entry|@exit], xdpmap:PATH, bpf:ID|PROGRAM[@entry|@exit], tracepoint:CATEGORY:NAME, FUNCTION[@ARGUMENT], kprobe:FUNCTION, fentry:FUNCTION, with what it returns kretprobe:FUNCTION, fexit:FUNCTION, patterns such as 'tcp_*', all, and profile:NAME`;
