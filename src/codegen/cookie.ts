import type { ResolvedHook } from '../hooks/resolved.ts';
import { isLast } from '../hooks/trackers.ts';
import type { PtRegs } from '../kernel/pt-regs.ts';

/**
 * What bpf_get_attach_cookie() gives at a hook: its number in the lower half, and above it how its function is given
 * the packet, for programs that serve functions of any arguments.
 */
const AT = { word: 32n, beside: 36n, direction: 40n, ends: 42n, follows: 43n, offset: 48n };
/** Argument words, from 0; there is none of this number. */
const NO_WORD = 15;

/** XCAP_DIRECTION_* of templates/include/hit.h. */
const DIRECTION_NUMBERS = { any: 0n, inbound: 1n, outbound: 2n } as const;

export function cookieOf(hook: ResolvedHook, number: number): bigint {
  const { carrier, rxSk, message } = hook.arguments;
  return (
    BigInt(number) |
    (BigInt(carrier.slot) << AT.word) |
    (BigInt((carrier.kind === 'sock' ? message : rxSk) ?? NO_WORD) << AT.beside) |
    (DIRECTION_NUMBERS[hook.direction ?? 'any'] << AT.direction) |
    (BigInt(isLast(hook)) << AT.ends) |
    (BigInt(hook.followsOnly === true) << AT.follows) |
    (BigInt(carrier.offset) << AT.offset)
  );
}

/** Hooks of which one program can serve all have the same; undefined: the hook needs one that is made for it. */
export function sharedProgram(hook: ResolvedHook, bare: boolean): string | undefined {
  const { arguments: of, cookie, part, tracker, xdp, program, atData, destructor } = hook;
  const plain = part === undefined && tracker === undefined && xdp === undefined && !atData;
  if (!cookie || !plain || program !== undefined || destructor !== undefined) return undefined;
  if (of.location !== undefined || of.reason !== undefined) return undefined;
  // 16 bits of the cookie have to do.
  if (of.carrier.offset > 0xffff) return undefined;
  switch (of.carrier.kind) {
    case 'skb':
      return bare ? 'skb, bare' : 'skb';
    case 'skb-pointer':
    case 'skb-member':
      return bare ? 'place, bare' : 'place';
    case 'sock':
      return 'sock';
    default:
      return undefined;
  }
}

const field = (shift: bigint, mask: number): string => `(cookie >> ${shift} & ${mask})`;

/** The body of such a program. */
export function emitSharedBody(kind: string): string {
  const word = `xcap_word(ctx, ${field(AT.word, NO_WORD)})`;
  const beside = `xcap_word(ctx, ${field(AT.beside, NO_WORD)})`;
  const [carrier, bare] = kind.split(', ');
  const packet = [
    `hit.rx_sk = (void *)${beside};`,
    ...['if (!hit.skb)', '\treturn xcap_no_packet(&hit);', 'return xcap_capture(&hit);'],
  ];
  const subject = {
    skb: [`hit.skb = (void *)${word};`, ...packet],
    place: [`hit.skb = xcap_pointer_at(${word} + (cookie >> ${AT.offset}));`, ...packet],
    sock: [
      'hit.socket = 1;',
      `hit.rx_sk = (void *)${word};`,
      `hit.msg = (void *)${beside};`,
      'return xcap_capture_socket(&hit);',
    ],
  }[carrier ?? ''];
  if (subject === undefined) throw new RangeError(`no program for ${kind}`);
  return [
    'u64 cookie = xcap_get_attach_cookie(ctx);',
    'struct xcap_hit hit = {',
    '\t.ctx = ctx,',
    '\t.hook = cookie,',
    '\t.by_cookie = 1,',
    `\t.direction = ${field(AT.direction, 3)},`,
    ...(bare === undefined ? [] : ['\t.synth = 1,']),
    `\t.ends = ${field(AT.ends, 1)},`,
    `\t.follows = ${field(AT.follows, 1)},`,
    '};',
    '',
    ...subject,
  ]
    .map((line) => (line === '' ? '' : `\t${line}`))
    .join('\n');
}

/** An argument of the function, by its word; 0 of none. Each load by itself: the verifier wants a constant offset. */
export function emitWords({ argumentOffsets }: PtRegs): string {
  const cases = argumentOffsets.map(
    (offset, word) =>
      `\tif (word == ${word}) {\n\t\tvalue = ctx[${offset / 8}];\n\t\tXCAP_HIDE(value);\n\t}\n`,
  );
  return `static __always_inline u64 xcap_word(const u64 *ctx, u64 word)\n{\n\tu64 value = 0;\n\n${cases.join('')}\treturn value;\n}\n`;
}
