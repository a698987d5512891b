import { PROGRAM_LICENSE } from '../codegen/program.ts';
import type { RawInsn, RawProgram } from '../filter/cbpf.ts';
import { FEATURES, type FeatureId } from '../kernel/features.ts';
import {
  either,
  integer,
  list,
  oneOf,
  optional,
  record,
  ShapeError,
  text,
  truth,
  type Shape,
} from '../util/shape.ts';
import type {
  Ability,
  BuiltOptions,
  BuiltProgram,
  BuiltUnit,
  ExpressionAnswer,
  KernelIdentity,
  UserFile,
} from './built-program.ts';
import type { MetadataFilter, WhoOptions } from './options.ts';

const U32 = integer(0, 0xffff_ffff);
const BYTE = integer(0, 0xff);
const HASH = text(64, /^[0-9a-f]{64}$/);
const NAME = text(4096);
/** The kernel keeps 15 bytes. */
const SHORT: Shape<string> = (value, at) => {
  const name = text(15)(value, at);
  if (name === '' || Buffer.byteLength(name) > 15) throw new ShapeError(`${at}: 1 to 15 bytes`);
  return name;
};
const IDENTIFIER = text(128, /^[A-Za-z_]\w*$/);
const MANY = 4096;
/** As the verifier has it (BPF_COMPLEXITY_LIMIT_INSNS). */
const INSNS_MAX = 1_000_000;

const FEATURE = oneOf(Object.keys(FEATURES) as FeatureId[]);
const RAW: Shape<RawProgram> = list(
  record<RawInsn>({ code: integer(0, 0xffff), jt: BYTE, jf: BYTE, k: U32 }),
  65_535,
);

const MASKED: Shape<MetadataFilter> = (value, at) => {
  const filter = record<Extract<MetadataFilter, { key: 'mark' }>>({
    ...{ key: oneOf(['mark']), negate: truth, value: U32, mask: U32 },
  })(value, at);
  if ((filter.value & ~filter.mask) !== 0) throw new ShapeError(`${at}: bits outside the mask`);
  return filter;
};
const NUMBERED = record<Extract<MetadataFilter, { key: 'pid' | 'tid' | 'uid' }>>({
  ...{ key: oneOf(['pid', 'tid', 'uid']), negate: truth, value: U32 },
});
type Named = Exclude<MetadataFilter, { key: 'pid' | 'tid' | 'uid' } | { key: 'mark' }>;
const SHORT_NAMED = record<Named>({ key: oneOf(['comm', 'ifname']), negate: truth, value: SHORT });
const NAMED = record<Named>({
  key: oneOf(['netns', 'reason', 'cgroup', 'container']),
  negate: truth,
  value: NAME,
});
const METADATA = either(either(NUMBERED, MASKED), either(SHORT_NAMED, NAMED));

/** A million bytes of C are as good as any number. */
const USER_FILE = record<UserFile>({ name: text(256, /^[^/]+$/), text: text(1 << 20) });

const SHARE: Shape<number> = (value, at) => {
  if (typeof value === 'number' && value > 0 && value <= 1) return value;
  throw new ShapeError(`${at}: no share of 1`);
};

const OPTIONS = record<BuiltOptions>({
  hooks: list(NAME, MANY),
  backend: optional(oneOf(['fentry', 'kprobe', 'kprobe-multi'])),
  exclude: list(NAME, MANY),
  maxHooks: optional(integer(1, 65_535)),
  loadPass: truth,
  xdpActions: optional(list(U32, 256)),
  partial: truth,
  expression: text(1 << 20),
  inner: optional(text(1 << 20)),
  interface: optional(NAME),
  metadata: list(METADATA, MANY),
  where: list(text(1 << 20), MANY),
  who: record<WhoOptions>({ owner: truth, cgroup: truth, follow: truth }),
  snaplen: integer(1, 262_144),
  ringKiB: (value, at) => {
    const kib = integer(4, 2 ** 21)(value, at);
    if ((kib & (kib - 1)) !== 0) throw new ShapeError(`${at}: no power of two`);
    return kib;
  },
  sample: optional(U32),
  maxOverhead: optional(SHARE),
  withoutFeature: list(FEATURE, 64),
  filterC: optional(USER_FILE),
  actionC: optional(USER_FILE),
});

const EXPRESSION = record<ExpressionAnswer>({
  expression: text(1 << 20),
  linkType: integer(0, 0xffff),
  snaplen: integer(1, 262_144),
  optimize: truth,
  answer: either(
    record<{ readonly program: RawProgram }>({ program: RAW }),
    record<{ readonly error: string }>({ error: NAME }),
  ),
});

const LD_IMM64 = 0x18;

/** Whole instructions, the two halves of each 64-bit load together: what goes through them relies on it. */
const INSNS: Shape<string> = (value, at) => {
  const base64 = text(Math.ceil((INSNS_MAX * 8) / 3) * 4, /^[A-Za-z0-9+/]*={0,2}$/)(value, at);
  const bytes = Buffer.from(base64, 'base64');
  const whole = bytes.length > 0 && bytes.length % 8 === 0 && bytes.toString('base64') === base64;
  if (!whole) throw new ShapeError(`${at}: no whole instructions`);
  for (let i = 0; i < bytes.length; i += 8) {
    if (bytes[i] !== LD_IMM64) continue;
    i += 8;
    if (i >= bytes.length || bytes[i] !== 0) throw new ShapeError(`${at}: half a 64-bit load`);
  }
  return base64;
};

const SOUND = record<BuiltProgram>({
  xcap: text(64),
  kernel: record<KernelIdentity>({ release: text(256), arch: text(32), btf: HASH }),
  abilities: list(record<Ability>({ id: FEATURE, has: truth }), 64),
  options: OPTIONS,
  expressions: list(EXPRESSION, 65_536),
  hooks: list(text(65_536), MANY),
  license: oneOf([PROGRAM_LICENSE]),
  units: list(record<BuiltUnit>({ sha256: HASH, functions: list(IDENTIFIER, MANY) }), 64),
  insns: list(INSNS, MANY),
});

/** All of a file, checked as far as its form goes: what it means is checked when it is planned and loaded. */
export const BUILT_PROGRAM: Shape<BuiltProgram> = (value, at) => {
  const program = SOUND(value, at);
  const functions = program.units.reduce((sum, unit) => sum + unit.functions.length, 0);
  if (functions !== program.insns.length) {
    throw new ShapeError(`${at}: ${program.insns.length} programs of ${functions} functions`);
  }
  return program;
};
