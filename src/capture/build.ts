import { basename } from 'node:path';
import { captureMaps } from '../abi/maps.ts';
import { Btf } from '../btf/btf.ts';
import { BtfError } from '../btf/error.ts';
import { createProber } from '../bpf/probes.ts';
import { Compiler } from '../compile/compiler.ts';
import { makeObject } from '../compile/object.ts';
import { sha256 } from '../util/sha256.ts';
import { CompileError } from '../compile/compile-error.ts';
import { UnsupportedError, UsageError } from '../errors.ts';
import type { ExpressionCompiler } from '../filter/cbpf.ts';
import { parseHooks } from '../hooks/parse.ts';
import { describeHooks } from '../hooks/resolved.ts';
import type { HookSpec } from '../hooks/spec.ts';
import { assumeFeatures } from '../kernel/assumed-features.ts';
import { describedReader } from '../kernel/described-reader.ts';
import { FEATURES, type FeatureId, type Prober } from '../kernel/features.ts';
import { liveReader } from '../kernel/reader.ts';
import type { UserSource } from '../user-c/source.ts';
import { userCompileError } from '../user-c/user-c.ts';
import { packageVersion } from '../util/package.ts';
import type { BuiltOptions, BuiltProgram, ExpressionAnswer, UserFile } from './built-program.ts';
import { identifyKernel } from './kernel-identity.ts';
import type { CaptureOptions } from './options.ts';
import { makePlan } from './plan.ts';
import { libpcap, type PlanTarget } from './plan-target.ts';
import { requirePrivileges } from './privileges.ts';

/** A kernel that is not the running one. */
export interface KernelDescription {
  /** As uname -r has it there. */
  readonly release: string;
  /** The file that its types came from, for messages. */
  readonly path: string;
  /** As /sys/kernel/btf/vmlinux has them there. */
  readonly btf: Uint8Array;
}

export interface Build {
  readonly program: BuiltProgram;
  /** For the user: what could not be known, and what is not as it could be. */
  readonly notes: readonly string[];
}

/**
 * Compiles what a capture with these options needs, for the running kernel or the one described.
 *
 * @throws XcapError as a capture does
 */
export async function buildProgram(
  options: CaptureOptions,
  described: KernelDescription | undefined,
): Promise<Build> {
  if (described === undefined) requirePrivileges('building for this kernel');
  const asked = new Map<FeatureId, boolean>();
  const expressions: ExpressionAnswer[] = [];
  const target = described === undefined ? thisKernel() : otherKernel(described, options);
  // Loading LLVM overlaps with planning.
  using compiler = new Compiler();
  const plan = makePlan(options, {
    ...target,
    createProber: (btf) => remember(target.createProber(btf), asked),
    expressions: recorder(target.expressions, expressions),
  });
  const { units, values } = plan.program;
  const { license } = plan;
  const maps = captureMaps(plan.sizes);
  const { insns } = await compiler.compile(units).catch((error: unknown): never => {
    if (!(error instanceof CompileError)) throw error;
    throw userCompileError(options.userC, error.messages) ?? error;
  });
  // As the run will: what it would stumble over shows now.
  makeObject({ units, maps, license, values }, insns);
  const program: BuiltProgram = {
    xcap: packageVersion(),
    kernel: identifyKernel(target.reader, target.arch),
    abilities: [...asked].map(([id, has]) => ({ id, has })),
    options: builtOptions(options),
    expressions,
    hooks: describeHooks(plan.hooks),
    license,
    units: units.map(({ text, functions }) => ({ sha256: sha256(text), functions })),
    insns,
  };
  return { program, notes: [...plan.notes, ...target.notes(asked)] };
}

type BuildTarget = PlanTarget & {
  /** What the answers rest on. */
  readonly notes: (asked: ReadonlyMap<FeatureId, boolean>) => readonly string[];
};

function thisKernel(): BuildTarget {
  const { arch } = process;
  return {
    ...{ reader: liveReader, arch, createProber, expressions: libpcap, namesLater: true },
    notes: () => [],
  };
}

function otherKernel(kernel: KernelDescription, { hooks }: CaptureOptions): BuildTarget {
  refuseLoadedHooks(parseHooks(hooks), kernel.release);
  const btf = readTypes(kernel);
  const { arch } = process;
  const { release } = kernel;
  const features = assumeFeatures({ btf, release, arch });
  const reader = describedReader(release, kernel.btf);
  return {
    ...{ reader, arch, expressions: libpcap, namesLater: true },
    createProber: () => features.prober,
    notes: (asked) => {
      const assumed = features.assumed(asked.keys());
      if (assumed.length === 0) return [];
      const each = assumed.map((id) =>
        asked.get(id) === true ? FEATURES[id].doc : `not ${FEATURES[id].doc}`,
      );
      return [`its types do not tell everything; assumed of ${release}: ${each.join(', ')}`];
    },
  };
}

function readTypes({ btf, path }: KernelDescription): Btf {
  try {
    const types = Btf.parse(btf);
    if (types.struct('sk_buff') !== undefined) return types;
  } catch (error) {
    if (!(error instanceof BtfError)) throw error;
    throw notTypes(path, error.message.replace(/^.*?: /, ''), error);
  }
  throw notTypes(path, 'has no struct sk_buff');
}

function notTypes(path: string, why: string, cause?: unknown): UsageError {
  return new UsageError(`reading the kernel's types: --btf ${path}: ${why}`, {
    hint: 'it has to be a copy of /sys/kernel/btf/vmlinux of that kernel',
    cause,
  });
}

/** What they are attached to shows only where it is loaded. */
function refuseLoadedHooks(specs: readonly HookSpec[], release: string): void {
  for (const spec of specs) {
    if (spec.kind === 'profile') refuseLoadedHooks(spec.members, release);
    if (spec.kind !== 'xdp' && spec.kind !== 'bpf' && spec.kind !== 'xdp-map') continue;
    throw new UnsupportedError(
      `building for ${release}: ${spec.id}: what is loaded there is not known here`,
      { hint: 'build it on that host, without --btf' },
    );
  }
}

function remember(prober: Prober, asked: Map<FeatureId, boolean>): Prober {
  return (id) => {
    const answer = prober(id);
    asked.set(id, answer === 'yes');
    return answer;
  };
}

function recorder(compiler: ExpressionCompiler, into: ExpressionAnswer[]): ExpressionCompiler {
  return {
    compile: (expression, options) => {
      const answer = compiler.compile(expression, options);
      const { linkType, snaplen, optimize } = options;
      into.push({ expression, linkType, snaplen, optimize, answer });
      return answer;
    },
  };
}

function builtOptions(options: CaptureOptions): BuiltOptions {
  const { hooks, backend, exclude, maxHooks, loadPass, xdpActions, partial } = options;
  const { expression, inner, metadata, where, who, snaplen, ringKiB, withoutFeature } = options;
  const { sample, maxOverhead } = options;
  return {
    ...{ hooks, backend, exclude, maxHooks, loadPass, xdpActions, partial },
    ...{ expression, inner, interface: options.interface, metadata, where, who },
    ...{ snaplen, ringKiB, sample, maxOverhead, withoutFeature },
    filterC: userFile(options.userC.filter),
    actionC: userFile(options.userC.action),
  };
}

function userFile(source: UserSource | undefined): UserFile | undefined {
  return source && { name: basename(source.path), text: source.text };
}
