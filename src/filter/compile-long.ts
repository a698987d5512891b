import type { RawInsn, RawProgram } from './cbpf.ts';
import type { Part } from './parts.ts';

/**
 * libpcap's time grows with the third power of the number of terms: seconds for 300 of them. So a
 * long expression is compiled in pieces, and their programs are joined: where one returns, the next
 * is jumped to. Terms are evaluated in the order of the text, as libpcap itself does.
 */

/** Terms of a piece: libpcap needs about 2 ms for so many. */
const PIECE_TERMS = 25;

type Node =
  | { readonly kind: 'term'; readonly text: string }
  | { readonly kind: 'not'; readonly of: Node }
  | { readonly kind: 'and' | 'or'; readonly of: readonly Node[] };

/** Where a program goes on; its place becomes known when that is written. */
interface Label {
  at: number | undefined;
}
interface Piece {
  readonly program: RawProgram;
  readonly start: number;
  readonly whenTrue: Label;
  readonly whenFalse: Label;
}

const RET_K = 0x06;
const JA = 0x05;
const MATCHES = 262144;

/**
 * @param parts each term with all its qualifiers
 * @param compile the program of a text; undefined when libpcap refuses it
 * @returns undefined when a piece cannot be compiled, or the parts are no expression
 */
export function compileLong(
  parts: readonly Part[],
  compile: (text: string) => RawProgram | undefined,
): RawProgram | undefined {
  const tree = parse(parts);
  if (tree === undefined) return undefined;
  const pieces: Piece[] = [];
  const [accept, reject]: [Label, Label] = [{ at: undefined }, { at: undefined }];
  let length = 0;
  const add = (node: Node, whenTrue: Label, whenFalse: Label): boolean => {
    if (node.kind === 'not') return add(node.of, whenFalse, whenTrue);
    if (node.kind === 'term' || countTerms(node) <= PIECE_TERMS) {
      const program = compile(write(node));
      if (program === undefined) return false;
      pieces.push({ program, start: length, whenTrue, whenFalse });
      length += program.length;
      return true;
    }
    const chunks = inChunks(node);
    return chunks.every((chunk, i) => {
      const next: Label = { at: undefined };
      const last = i === chunks.length - 1;
      const [yes, no] =
        node.kind === 'or'
          ? [whenTrue, last ? whenFalse : next]
          : [last ? whenTrue : next, whenFalse];
      if (!add(chunk, yes, no)) return false;
      next.at = length;
      return true;
    });
  };
  if (!add(tree, accept, reject)) return undefined;
  accept.at = length;
  reject.at = length + 1;
  const ret = (k: number): RawInsn => ({ code: RET_K, jt: 0, jf: 0, k });
  return [...pieces.flatMap(link), ret(MATCHES), ret(0)];
}

/** The piece's program with its returns as jumps. */
function link({ program, start, whenTrue, whenFalse }: Piece): RawProgram {
  return program.map((insn, i) => {
    if (insn.code !== RET_K) return insn;
    const target = (insn.k === 0 ? whenFalse : whenTrue).at;
    if (target === undefined) throw new RangeError('a piece goes nowhere');
    return { code: JA, jt: 0, jf: 0, k: target - (start + i + 1) };
  });
}

/** Neighbours joined as long as they are few enough: `a or b` and `c` of `a or b or c`. */
function inChunks(node: Extract<Node, { kind: 'and' | 'or' }>): readonly Node[] {
  const chunks: Node[][] = [];
  let room = 0;
  for (const each of node.of) {
    const size = countTerms(each);
    if (size > room) {
      chunks.push([]);
      room = PIECE_TERMS;
    }
    chunks.at(-1)?.push(each);
    room -= size;
  }
  return chunks.map((of) => {
    const [only] = of;
    return of.length === 1 && only !== undefined ? only : { kind: node.kind, of };
  });
}

function countTerms(node: Node): number {
  if (node.kind === 'term') return 1;
  if (node.kind === 'not') return countTerms(node.of);
  return node.of.reduce((sum, each) => sum + countTerms(each), 0);
}

function write(node: Node): string {
  if (node.kind === 'term') return node.text;
  if (node.kind === 'not') return `not ( ${write(node.of)} )`;
  return node.of.map((each) => `( ${write(each)} )`).join(` ${node.kind} `);
}

/** `and` and `or` bind alike, to the left (grammar.y). */
function parse(parts: readonly Part[]): Node | undefined {
  let at = 0;
  const expression = (): Node | undefined => {
    let left = unary();
    for (;;) {
      const part = parts[at];
      const op = part?.kind === 'glue' ? OPERATORS.get(part.text) : undefined;
      if (left === undefined || op === undefined) return left;
      at += 1;
      const right = unary();
      if (right === undefined) return undefined;
      left =
        left.kind === op && !grouped.has(left)
          ? { kind: op, of: [...left.of, right] }
          : { kind: op, of: [left, right] };
    }
  };
  const grouped = new Set<Node>();
  const unary = (): Node | undefined => {
    const part = parts[at];
    at += 1;
    if (part?.kind === 'term') return { kind: 'term', text: part.words.join(' ') };
    if (part?.text === 'not' || part?.text === '!') {
      const of = unary();
      return of === undefined ? undefined : { kind: 'not', of };
    }
    if (part?.text !== '(') return undefined;
    const inner = expression();
    const close = parts[at];
    at += 1;
    if (inner === undefined || close?.kind !== 'glue' || close.text !== ')') return undefined;
    grouped.add(inner);
    return inner;
  };
  const tree = expression();
  return at === parts.length ? tree : undefined;
}

const OPERATORS: ReadonlyMap<string, 'and' | 'or'> = new Map([
  ['and', 'and'],
  ['&&', 'and'],
  ['or', 'or'],
  ['||', 'or'],
]);
