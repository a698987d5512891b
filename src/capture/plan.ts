import { readFileSync } from 'node:fs';
import { WHO_BYTES } from '../abi/who.ts';
import { hasWho } from '../codegen/who.ts';
import { captureMax, PENDING_BYTES, ruleBytes, slotDataBytes, type MapSizes } from '../abi/maps.ts';
import { readHookMapFacts } from '../bpf/hook-map.ts';
import { livePrograms } from '../bpf/programs.ts';
import { seesBare } from '../codegen/hooks.ts';
import { unitKind } from '../codegen/unit-kind.ts';
import { filterGathers, filterReach } from '../codegen/filter-headers.ts';
import { generateProgram, PROGRAM_LICENSE, type ProgramSource } from '../codegen/program.ts';
import { userBytes } from '../codegen/user-headers.ts';
import { PermissionError, UnsupportedError, type XcapError } from '../errors.ts';
import { realtimeOffsetNs } from '../ffi/libc.ts';
import {
  compileExpression,
  filterByProgram,
  type FilterPair,
} from '../filter/compile-expression.ts';
import { compileInner } from '../filter/compile-inner.ts';
import { LOOP_BOUND } from '../filter/passes/unroll.ts';
import { parseHooks } from '../hooks/parse.ts';
import { describeAttachPoint, hookIds, type ResolvedHook } from '../hooks/resolved.ts';
import { hookIndex, resolveHooks, type HookKernel, type ResolveOptions } from '../hooks/resolve.ts';
import { resolveTrackers } from '../hooks/trackers.ts';
import { countXdpPairs } from '../hooks/xdp.ts';
import type { HookMapFacts } from '../kernel/hook-map-facts.ts';
import { contextSource, type ContextSource } from '../kernel/context-source.ts';
import { DeviceNames } from '../kernel/device-names.ts';
import { parseFeature } from '../kernel/features.ts';
import type { InterfaceRef } from '../kernel/interfaces.ts';
import type { PagedSource } from '../kernel/paged-source.ts';
import { possibleCpuNumbers } from '../kernel/possible-cpus.ts';
import { KeepingReader, liveReader } from '../kernel/reader.ts';
import type { SocketOwners } from '../kernel/socket-owners.ts';
import { redirectSource } from '../kernel/redirect-source.ts';
import { openKernelView, type KernelView } from '../kernel/view.ts';
import { xdpDevices } from '../kernel/xdp-devices.ts';
import { SNAPLEN_MAX } from '../output/packet-copy.ts';
import type { Names } from '../records/names.ts';
import type { LinkType } from '../records/record.ts';
import type { UserC } from '../user-c/user-c.ts';
import { userValues } from '../user-c/values.ts';
import { packageFile } from '../util/package.ts';
import { compileWhere } from '../where/compile-where.ts';
import type { CaptureOptions } from './options.ts';
import { findCgroup, findContainer, findDevice, findLocations, findNetns } from './plan-names.ts';
import { THIS_SYSTEM, type PlanTarget } from './plan-target.ts';
import { stackDepth, stackNotes } from './stack-depth.ts';
import { requireMembers } from './require-members.ts';
import { planRules, type RulePlan } from './rule-plan.ts';
import { planTop, type TopPlan } from './top/plan-top.ts';
import { resolveMetadata } from './resolve-metadata.ts';
import { unitAbilities } from './unit-abilities.ts';

/** Everything a run needs, decided before anything is loaded. */
export interface CapturePlan {
  readonly kernelRelease: string;
  readonly hooks: readonly ResolvedHook[];
  /** Ids of the hooks that the user named; the others show how followed packets end. */
  readonly asked: readonly string[];
  /** What follows packets: of `program.functionOf` those behind the hooks'. */
  readonly trackers: readonly ResolvedHook[];
  readonly program: ProgramSource;
  readonly userC: UserC;
  readonly license: string;
  readonly sizes: MapSizes;
  /** Link type of capture files: see docs/record-format.md. */
  readonly fileLinkType: LinkType;
  readonly names: Names;
  /** Of `xcap top`. */
  readonly top: TopPlan | undefined;
  /** Of --rule. */
  readonly rules: RulePlan | undefined;
  /** For the user at the start: what is not as it could be. */
  readonly notes: readonly string[];
  /** Reads ahead what the first event will need; returns further notes. */
  readonly warmUp: () => readonly string[];
  readonly socketOwners: SocketOwners;
}

/** Hooks at which an skb ends. */
export const ENDS: readonly string[] = ['drop', 'consume'];

const ARPHRD_ETHER = 1;
const ARPHRD_LOOPBACK = 772;

/** Resolves every name against the running kernel, or another. @throws XcapError before anything is loaded */
export function makePlan(options: CaptureOptions, target: PlanTarget = THIS_SYSTEM): CapturePlan {
  const { expressions } = target;
  // Functions are found in it, and variables: it takes the kernel as long to make as all else of a plan.
  const reader = new KeepingReader(target.reader, '/proc/kallsyms');
  const specs = parseHooks(options.hooks);
  const filter =
    options.program === undefined
      ? compileExpression(options.expression, expressions)
      : filterByProgram(options.expression, options.program);
  const inner = options.inner === undefined ? undefined : compileInner(options.inner, expressions);
  const { userC } = options;
  const view = openKernelView({
    reader,
    arch: target.arch,
    createProber: target.createProber,
    createNames: target.createNames,
    memory: target.memory,
    withoutFeatures: options.withoutFeature.map(parseFeature),
  });
  const device = findDevice(options.interface, view, target);
  const names = {
    reason: (text: string) => view.reasons.parse(text),
    netns: (text: string) => findNetns(text, view, target),
    cgroup: (text: string) => findCgroup(text, view, target),
    container: (text: string) => findContainer(text, view, target),
  };
  requireMembers(view.btf, userC);
  const skipped: XcapError[] = [];
  const explained: string[] = [];
  const resolving: ResolveOptions = {
    reader,
    assumeAble: options.dryRun,
    backend: options.backend,
    exclude: options.exclude,
    maxHooks: options.maxHooks,
    explain: (line) => void explained.push(line),
    xdp: {
      programs: livePrograms,
      findDevice: xdpDevices(view.netns).find,
      assumeProgram: options.loadPass && options.dryRun,
    },
    readHookMap: options.dryRun ? assumeHookMap : readHookMapFacts,
    xdpActions: options.xdpActions,
    hookPerAction: options.xdpcap !== undefined,
    skip: options.partial ? (error) => void skipped.push(error) : undefined,
  };
  const asked = resolveHooks(specs, view, resolving);
  const hooks = [...asked, ...endingHooks(options, asked, view, resolving)];
  const tracking = options.track ? resolveTrackers(view, options.dryRun) : undefined;
  const trackers = tracking?.trackers ?? [];
  const metadata = resolveMetadata(options.metadata, device, names);
  const where = compileWhere(options.where, view.btf, {
    ...names,
    hook: (text) => hookIndex(hookIds(hooks), text),
    location: (text) => findLocations(text, view, target),
  });
  const context = contextSource(view.btf, view.arch, view.features.has('percpu-ksym'));
  const abilities = unitAbilities(view, reader);
  const kinds = [...new Set([...hooks, ...trackers].map(unitKind))];
  const units = kinds.map(abilities);
  const located = hooks.some((hook) => hook.hasLocation);
  const ringBytes = options.ringKiB * 1024;
  const cpus = possibleCpuNumbers(liveReader);
  const whoBytes = hasWho(options.who) ? WHO_BYTES : 0;
  const top = options.top && planTop(options.top, hooks, cpus);
  const rules = options.rule ? planRules(view, hooks, cpus) : undefined;
  const extraBytes = userBytes(userC) + ruleBytes({ rules: options.rule });
  const sizes: MapSizes = {
    hooks: hookIds(hooks).length,
    possibleCpus: cpus,
    userBytes: userBytes(userC),
    whoBytes,
    follows: options.who.follow,
    owners: options.who.owner,
    captureMax: captureMax(options.snaplen, ringBytes, whoBytes + extraBytes),
    ringBytes,
    claims: units.some(({ claims }) => claims),
    xdpPairs: countXdpPairs(hooks),
    gathers: units.some(({ paged }) => paged.kind !== 'none'),
    filterBytes: Math.max(
      ...units.map(({ paged }) => filterGathers({ filter, inner, userC }, paged)),
    ),
    bareBytes: hooks.some(seesBare) ? filterReach({ filter, inner, userC }) : undefined,
    returns: hooks.some(({ part }) => part !== undefined),
    tracks: options.track,
    stackDepth: options.stack ? stackDepth(reader) : undefined,
    rules: options.rule,
    ruleBytes: ruleBytes({ rules: options.rule }),
    top,
  };
  return {
    kernelRelease: view.release,
    hooks,
    asked: hookIds(asked),
    trackers,
    program: generateProgram({
      btf: view.btf,
      hooks: [...hooks, ...trackers],
      track: tracking && { byHead: tracking.byHead, cpus },
      filter,
      inner,
      userC,
      metadata,
      where,
      who: options.who,
      fentry: options.who.owner && view.features.has('fentry'),
      context,
      captureMax: sizes.captureMax,
      slotData: slotDataBytes(sizes),
      varStackRead: view.features.has('var-stack-read'),
      abilities,
      regs: view.registers,
      claims: sizes.claims,
      stacks: sizes.stackDepth !== undefined,
      sample: options.sample,
      skips: options.maxOverhead !== undefined,
      // Looking for it may take all of kallsyms.
      redirect: hooks.some(({ xdp }) => xdp !== undefined)
        ? redirectSource(view.btf, view.arch, reader, view.memory)
        : { kind: 'none' },
      rules: rules?.input,
      top: top?.by,
      readTemplate: (path) => readFileSync(packageFile('templates', path), 'utf8'),
    }),
    userC,
    license: PROGRAM_LICENSE,
    sizes,
    fileLinkType: fileLinkType(options, device),
    names: makeNames(view, hooks, context, userC, rules),
    top,
    rules,
    notes: [
      ...(options.text.verbose > 0 ? explained : []),
      ...skipped.map(({ message }) => `${message}: left out`),
      ...planNotes(
        filter,
        context,
        // Where XDP programs get whole packets only, they are linear.
        kinds.filter((kind) => kind !== 'xdp').map((kind) => abilities(kind).paged),
      ),
      ...kprobeNotes(hooks, view),
      ...returnNotes(hooks, options),
      ...stackNotes(options.stack, hooks),
      ...(tracking?.notes ?? []),
      ...(rules?.notes ?? []),
    ],
    socketOwners: view.socketOwners,
    warmUp: () => {
      // eslint-disable-next-line @typescript-eslint/no-meaningless-void-operator -- a getter that reads at its first use
      if (located) void view.reasons;
      view.forgetTypes();
      view.symbols.forget();
      reader.letGo();
      const symbols = located || options.stack ? view.symbols.namingNote() : undefined;
      return symbols === undefined ? [] : [`${symbols.message} (${symbols.hint})`];
    },
  };
}

/** --gather: where packets end, and why. */
function endingHooks(
  { gather }: CaptureOptions,
  asked: readonly ResolvedHook[],
  kernel: HookKernel,
  resolving: ResolveOptions,
): readonly ResolvedHook[] {
  if (gather === undefined) return [];
  const others = ENDS.filter((id) => !asked.some((hook) => hook.id === id));
  if (others.length === 0) return [];
  return resolveHooks(parseHooks(others), kernel, { ...resolving, maxHooks: undefined }).map(
    (hook) => ({ ...hook, followsOnly: true }),
  );
}

/** A dry run may be one of a user who cannot look at the map: most have an entry for each action. */
function assumeHookMap(path: string): HookMapFacts {
  try {
    return readHookMapFacts(path);
  } catch (error) {
    if (!(error instanceof PermissionError)) throw error;
    return { id: 0, type: 3, keySize: 4, valueSize: 4, maxEntries: 5, ownerType: 6 };
  }
}

/** A device without link headers, or -y RAW: the run has only network-layer packets. */
function fileLinkType(options: CaptureOptions, device: InterfaceRef | undefined): LinkType {
  switch (options.linkTypeOverride) {
    case undefined:
      break;
    case 'EN10MB':
      return 'ethernet';
    case 'RAW':
      return 'raw';
    default:
      throw new UnsupportedError(
        `choosing the link type: ${options.linkTypeOverride}: not supported for captures`,
        { hint: '-y EN10MB or -y RAW' },
      );
  }
  const ethernet =
    device === undefined || device.type === ARPHRD_ETHER || device.type === ARPHRD_LOOPBACK;
  return ethernet ? 'ethernet' : 'raw';
}

function makeNames(
  view: KernelView,
  hooks: readonly ResolvedHook[],
  context: ContextSource,
  { layout }: UserC,
  rules: RulePlan | undefined,
): Names {
  const devices = new DeviceNames(view.netns);
  const reasonName = (value: number): string => view.reasons.name(value);
  const places = new Map<string, ResolvedHook[]>(hookIds(hooks).map((id) => [id, []]));
  for (const hook of hooks) if (hook.part !== 'entry') places.get(hook.id)?.push(hook);
  const ofHooks = [...places.values()];
  return {
    hooks: hookIds(hooks),
    attachPoints: ofHooks.map((at) => [...new Set(at.map(describeAttachPoint))].join(' and ')),
    returns: ofHooks.map(([first]) => first?.returns),
    socketOwner: (inode) => view.socketOwners.owner(inode),
    cgroup: (id) => view.cgroups.path(id),
    cgroupOfProcess: (pid) => view.cgroups.ofProcess(pid),
    clockOffsetNs: realtimeOffsetNs,
    // Read by warmUp(), not while the compiler waits for its text.
    get reason() {
      return view.reasons.available ? reasonName : undefined;
    },
    location: (address) => view.symbols.format(address),
    frame: (address) => view.symbols.formatReturn(address),
    netns: (inode) => view.netns.name(inode),
    netnsLabel: (inode) => view.netns.label(inode),
    device: (inode, ifindex) => devices.name(inode, ifindex),
    user: layout && ((bytes) => userValues(layout, bytes)),
    rule: rules?.describe,
    contextByStack: context.kind === 'task-stack',
  };
}

/** trace_call_bpf() lets one kprobe program run on a CPU at a time, and before 6.7 counts no other. */
function kprobeNotes(hooks: readonly ResolvedHook[], { features }: KernelView): readonly string[] {
  const silent = hooks.filter(({ backend }) => backend === 'kprobe');
  if (silent.length === 0 || features.has('kprobe-misses')) return [];
  const which = silent.length === 1 ? (silent[0]?.id ?? '') : `${silent.length} hooks`;
  return [
    `${which}: this kernel does not count what a kprobe misses while another runs on the same CPU; fentry counts it`,
  ];
}

function returnNotes(
  hooks: readonly ResolvedHook[],
  { snaplen }: Pick<CaptureOptions, 'snaplen'>,
): readonly string[] {
  const returning = hooks.filter(({ part }) => part === 'return');
  const notes = returning
    .filter(({ returns }) => returns === undefined)
    .map(({ id }) => `${id}: it returns no value: its events have the time that it took`);
  if (returning.length > 0 && snaplen > PENDING_BYTES && snaplen < SNAPLEN_MAX) {
    notes.push(
      `${returning.map(({ id }) => id).join(', ')}: ${PENDING_BYTES} bytes of a packet at most are kept until the return`,
    );
  }
  return notes;
}

function planNotes(
  filter: FilterPair | undefined,
  context: ContextSource,
  paged: readonly PagedSource[],
): readonly string[] {
  const notes: string[] = [];
  if (filter !== undefined && filter.l3 === undefined) {
    notes.push(
      `packets without a link header cannot be filtered by this expression (${filter.note ?? ''}): they are counted as rejected (no link header)`,
    );
  }
  if (filter?.l2.loops === true) {
    notes.push(
      `protochain follows at most ${LOOP_BOUND} headers: packets with longer chains are rejected`,
    );
  }
  if (filter !== undefined && paged.some(({ kind }) => kind === 'none')) {
    notes.push(
      'this kernel does not let the filter read packet bytes that are not in the linear part: packets where it asks for them are counted as rejected (not in the linear part)',
    );
  }
  if (context.kind === 'unknown') {
    notes.push(
      'this kernel does not tell process context from interrupts: pid and comm are of whatever task was running',
    );
  }
  return notes;
}
