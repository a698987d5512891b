import { assertNever } from '../errors.ts';
import { constant, emitConstantLoad, emitIndexedLoad } from './emit-load.ts';
import type { AluOp, JumpTest, Operand, RetValue } from './insn.ts';
import type { Block, FilterIr, IrInsn, Terminator } from './ir.ts';
import { LONG_BLOCKS } from './passes/words.ts';
import type { Window } from './window.ts';
import { accessOf } from './window.ts';

/**
 * Emits the C function of a filter. Only numbers and names made here get into the text: nothing of
 * what the user typed. templates/include/filter/filter.h says what the text relies on.
 */
export function emitC(ir: FilterIr, symbol: string, window: Window | undefined): string {
  const inline = returnsOnly(ir);
  const long = ir.blocks.length > LONG_BLOCKS;
  const forget = long ? ['\tXCAP_FORGET();'] : [];
  const labels = findLabels(ir, inline);
  const body = ir.blocks.flatMap((block, i) => {
    if (i > 0 && inline.has(block.id)) return [];
    const next = ir.blocks.slice(i + 1).find(({ id }) => !inline.has(id))?.id;
    return [
      ...(labels.has(block.id) ? [`${label(block.id)}:`] : []),
      ...(i > 0 && startsByLoad(block) ? forget : []),
      ...emitBody(block, i === 0, window),
      ...emitEnd(block.end, next, inline),
    ];
  });
  return [
    `static __always_inline u32 ${symbol}(struct xcap_pkt *p, u8 *w)`,
    '{',
    ...emitLocals(body),
    ...(long ? shareReturns(body) : body),
    '}',
    '',
  ].join('\n');
}

/** Constant returns at one place: clang sets the result before every branch to one otherwise. */
function shareReturns(body: readonly string[]): readonly string[] {
  const values = new Set<string>();
  const lines = body.map((line) =>
    line.replace(/return (0x[\da-f]+|\d+);$/, (_all, value: string) => {
      values.add(value);
      return `goto ret_${value};`;
    }),
  );
  const returns = [...values].flatMap((value) => [
    `ret_${value}:`,
    '\tXCAP_FORGET();',
    `\treturn ${value};`,
  ]);
  return [...lines, ...returns];
}

const startsByLoad = (block: Block): boolean =>
  block.insns.some(({ op }) => op === 'ld-abs' || op === 'ldx-msh' || op === 'ld-ind');

const label = (id: number): string => `b${id}`;

/** Blocks that are but a constant return: written where others would jump to them. */
function returnsOnly(ir: FilterIr): ReadonlyMap<number, RetValue> {
  return new Map(
    ir.blocks.flatMap(({ id, insns, end }) =>
      insns.length === 0 && end.op === 'ret' ? [[id, end.value] as const] : [],
    ),
  );
}

function findLabels(ir: FilterIr, inline: ReadonlyMap<number, RetValue>): ReadonlySet<number> {
  const labels = new Set<number>();
  const emitted = ir.blocks.filter(({ id }, i) => i === 0 || !inline.has(id));
  emitted.forEach(({ end }, i) => {
    const next = emitted[i + 1]?.id;
    const targets =
      end.op === 'goto' ? [end.to] : end.op === 'branch' ? [end.whenTrue, end.whenFalse] : [];
    for (const id of targets) if (id !== next && !inline.has(id)) labels.add(id);
  });
  return labels;
}

function emitLocals(body: readonly string[]): readonly string[] {
  const used = new Set<string>();
  for (const line of body) {
    for (const [name] of line.matchAll(/\b(?:A|X|m\d+)\b/g)) used.add(name);
  }
  const names = [...used].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  const lines = names.length === 0 ? [] : [`\tu32 ${names.join(', ')};`];
  if (body.some((line) => line.startsWith('\tahead = '))) {
    lines.push('#ifdef XCAP_AHEAD', '\tu64 ahead;', '#endif');
  }
  if (body.some((line) => line.startsWith('\ti = '))) {
    lines.push('#if XCAP_VAR_STACK', '\tu64 i;', '#endif');
  }
  return lines.length === 0 ? [] : [...lines, ''];
}

/** In the entry block the fetch comes behind the first guard: a packet that is too short costs none. */
function emitBody(block: Block, isEntry: boolean, window: Window | undefined): readonly string[] {
  const statements = block.insns.map((insn) => emitInsn(insn, window));
  if (!isEntry) return statements.flat();
  const guards = block.insns[0]?.op === 'guard-packet' ? 1 : 0;
  return [
    ...statements.slice(0, guards),
    emitWindowFetch(window),
    ...statements.slice(guards),
  ].flat();
}

function emitWindowFetch(window: Window | undefined): readonly string[] {
  if (window === undefined) return [];
  const { pad, first } = window;
  const fetch = (size: number): readonly string[] =>
    size === 0
      ? []
      : [`\tif (XCAP_WINDOW(w, ${pad}, ${size}, p->start, ${constant(first)}))`, '\t\treturn 0;'];
  if (window.wide === window.narrow) return fetch(window.wide);
  const narrow = fetch(window.narrow);
  return [
    '#if XCAP_VAR_STACK',
    ...fetch(window.wide),
    ...(narrow.length === 0 ? [] : ['#else', ...narrow]),
    '#endif',
  ];
}

const OPERATORS: Readonly<Record<AluOp, string>> = {
  add: '+=',
  sub: '-=',
  mul: '*=',
  div: '/=',
  mod: '%=',
  and: '&=',
  or: '|=',
  xor: '^=',
  lsh: '<<=',
  rsh: '>>=',
};

function emitInsn(insn: IrInsn, window: Window | undefined): readonly string[] {
  switch (insn.op) {
    case 'ld-abs':
    case 'ldx-msh':
      return emitPacketLoad(insn, window);
    case 'ld-ind':
      return emitIndexedLoad(insn, window);
    case 'ld-meta':
      return [`\tif (XCAP_META(${insn.field}, p, &A))`, '\t\treturn 0;'];
    case 'ld-len':
      return [`\t${register(insn.to)} = p->wire_len;`];
    case 'ld-imm':
      return [`\t${register(insn.to)} = ${constant(insn.k)};`];
    case 'ld-mem':
      return [`\t${register(insn.to)} = m${insn.slot};`];
    case 'st-mem':
      return [`\tm${insn.slot} = ${register(insn.from)};`];
    case 'alu':
      return [`\tA ${OPERATORS[insn.alu]} ${aluOperand(insn.alu, insn.operand)};`];
    case 'neg':
      return ['\tA = -A;'];
    case 'tax':
      return ['\tX = A;'];
    case 'txa':
      return ['\tA = X;'];
    case 'guard-packet':
      return emitGuard(constant(insn.end));
    case 'guard-index':
      return emitGuard(`X + ${constant(insn.end)}`);
    case 'guard-divisor':
      return ['\tif (X == 0)', '\t\treturn 0;'];
    default:
      return assertNever(insn);
  }
}

const emitGuard = (end: string): readonly string[] => [
  `\tif (p->linear < ${end})`,
  `\t\treturn xcap_outside(p, ${end});`,
];

const register = (name: 'a' | 'x'): string => (name === 'a' ? 'A' : 'X');

function aluOperand(alu: AluOp, operand: Operand): string {
  if (operand.kind === 'k') return constant(operand.k);
  return alu === 'lsh' || alu === 'rsh' ? '(X & 31)' : 'X';
}

function emitPacketLoad(
  insn: Extract<IrInsn, { op: 'ld-abs' | 'ldx-msh' }>,
  window: Window | undefined,
): readonly string[] {
  const access = accessOf(insn);
  if (access === undefined) throw new TypeError(`${insn.op} has a constant place`);
  if (insn.op === 'ld-abs') return emitConstantLoad('A', access, window);
  return [...emitConstantLoad('X', access, window), '\tX = (X & 0xf) << 2;'];
}

function emitEnd(
  end: Terminator,
  next: number | undefined,
  inline: ReadonlyMap<number, RetValue>,
): readonly string[] {
  const go = (id: number): string => {
    const value = inline.get(id);
    return value === undefined ? `goto ${label(id)};` : emitReturn(value);
  };
  switch (end.op) {
    case 'ret':
      return [`\t${emitReturn(end.value)}`];
    case 'goto':
      return end.to === next ? [] : [`\t${go(end.to)}`];
    case 'branch': {
      const { test, operand, whenTrue, whenFalse } = end;
      if (whenTrue === next) {
        return [`\tif (${condition(test, operand, false)})`, `\t\t${go(whenFalse)}`];
      }
      const lines = [`\tif (${condition(test, operand, true)})`, `\t\t${go(whenTrue)}`];
      return whenFalse === next ? lines : [...lines, `\t${go(whenFalse)}`];
    }
    default:
      return assertNever(end);
  }
}

const emitReturn = (value: RetValue): string =>
  `return ${value.kind === 'k' ? constant(value.k) : 'A'};`;

const CONDITIONS: Readonly<Record<JumpTest, readonly [string, string]>> = {
  jeq: ['==', '!='],
  jgt: ['>', '<='],
  jge: ['>=', '<'],
  jset: ['&', '&'],
};

function condition(test: JumpTest, operand: Operand, wanted: boolean): string {
  const [holds, fails] = CONDITIONS[test];
  const text = `A ${wanted ? holds : fails} ${operand.kind === 'k' ? constant(operand.k) : 'X'}`;
  return test === 'jset' && !wanted ? `!(${text})` : text;
}
