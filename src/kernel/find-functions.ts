/** Where a function begins. */
export interface FunctionSymbol {
  /** Undefined when addresses are hidden from this reader. */
  readonly address: bigint | undefined;
  readonly module: string | undefined;
}

const SPACE = 0x20;
const DOT = 0x2e;
const NEWLINE = 0x0a;

/** `ffffffffc0200000 t nft_late\t[nf_tables]` */
const FUNCTION = /^([0-9a-f]+) [tTwW] (\S+)(?:\t\[(\S+)\])?$/;

/** Marks of names that may be wanted; of 1,500 names it takes every fortieth other for one. */
const MARKS = 1 << 16;

/**
 * The functions of some names, and what a compiler made of them with other arguments (`NAME.isra.0`), by their own
 * names; there may be several of one name. One pass over the text, that makes a string only of lines that may be wanted: an
 * index of all 100,000 symbols takes three times as long.
 *
 * @param kallsyms text of /proc/kallsyms; lines of no such form are left out
 */
export function findFunctions(
  kallsyms: Uint8Array,
  names: ReadonlySet<string>,
): Map<string, FunctionSymbol[]> {
  const text = Buffer.from(kallsyms.buffer, kallsyms.byteOffset, kallsyms.byteLength);
  const marks = new Uint8Array(MARKS);
  for (const name of names) marks[markOf([...Buffer.from(baseName(name))].reduce(addByte, 0))] = 1;
  const found = new Map<string, FunctionSymbol[]>();
  for (let line = 0; line < text.length;) {
    let at = line;
    while ((text[at] ?? 0) > SPACE) at++;
    if (text[at] === SPACE && text[at + 2] === SPACE) at += 3;
    let hash = 0;
    for (let byte = text[at] ?? 0; byte > SPACE && byte !== DOT; byte = text[++at] ?? 0) {
      hash = addByte(hash, byte);
    }
    while (at < text.length && text[at] !== NEWLINE) at++;
    if (marks[markOf(hash)] === 1) addFunction(found, text.toString('latin1', line, at), names);
    line = at + 1;
  }
  return found;
}

function addFunction(
  found: Map<string, FunctionSymbol[]>,
  line: string,
  names: ReadonlySet<string>,
): void {
  const match = FUNCTION.exec(line);
  if (match === null) return;
  const [, digits = '', name = '', module] = match;
  if (!names.has(name) && !names.has(baseName(name))) return;
  const address = BigInt(`0x${digits}`);
  // All are zero where they are hidden (kptr_restrict).
  const symbol = { address: address === 0n ? undefined : address, module };
  const known = found.get(name);
  if (known === undefined) found.set(name, [symbol]);
  else known.push(symbol);
}

const addByte = (hash: number, byte: number): number => (Math.imul(hash, 31) + byte) | 0;
const markOf = (hash: number): number => (hash ^ (hash >>> 16)) & (MARKS - 1);

/** `tcp_v4_rcv` of `tcp_v4_rcv.isra.0` */
export function baseName(symbol: string): string {
  const dot = symbol.indexOf('.');
  return dot < 0 ? symbol : symbol.slice(0, dot);
}
