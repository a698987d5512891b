/** A place in the kernel's text. */
export interface KernelSymbol {
  readonly name: string;
  /** Bytes past the start of the function. */
  readonly offset: number;
  /** Undefined for what is built in. */
  readonly module: string | undefined;
}

/** Both ends included. */
export interface AddressRange {
  readonly from: bigint;
  readonly to: bigint;
}

/**
 * kallsyms gives no sizes. No function comes near these, so an address further behind a symbol lies
 * in no function known here: modules and BPF programs come and go between the others.
 */
const LARGEST_BUILT_IN = 0x100000;
const LARGEST_IN_MODULE = 0x10000;
const END_MARK = /^(_etext|_einittext|__\w+_text_end)$/;
/** Marks, no functions: what lies behind is outside the text. */
export const isEndMark = (name: string): boolean => END_MARK.test(name);

const SPACE = 0x20;
const TAB = 0x09;
const NEWLINE = 0x0a;
/** Shortest line: 8 digits, space, type, space, a letter, line feed. */
const SHORTEST_LINE = 13;

const NO_DIGIT = 255;
const HEX_DIGITS = new Uint8Array(256).fill(NO_DIGIT);
for (let digit = 0; digit < 16; digit++) HEX_DIGITS[digit.toString(16).charCodeAt(0)] = digit;

/**
 * The text symbols of /proc/kallsyms, in arrays of numbers: there are 100,000 and more of them, so
 * no object or string is made for any before it is asked for.
 */
export class Kallsyms {
  /** Addresses are all zero: they are hidden from this reader (kptr_restrict). */
  readonly hidden: boolean;
  readonly count: number;
  readonly #high: Uint32Array;
  readonly #low: Uint32Array;
  readonly #nameStarts: Uint32Array;
  readonly #global: Uint8Array;
  readonly #moduleIds: Uint16Array;
  readonly #modules: readonly string[];
  /** Names, each ended by a line feed. */
  readonly #names: Uint8Array;
  /** Indices by address. */
  readonly #order: Uint32Array;

  /** Reads the text of /proc/kallsyms; keeps a copy of what it needs. Lines of no such form are left out. */
  constructor(bytes: Uint8Array) {
    const room = Math.ceil(bytes.length / SHORTEST_LINE);
    const high = new Uint32Array(room);
    const low = new Uint32Array(room);
    const nameStarts = new Uint32Array(room);
    const global = new Uint8Array(room);
    const moduleIds = new Uint16Array(room);
    const modules: string[] = [''];
    const names = new Uint8Array(bytes.length + 1);
    let lastModule = '';
    let namesEnd = 0;
    let count = 0;
    let anyAddress = 0;

    for (let at = 0; at < bytes.length;) {
      let highWord = 0;
      let lowWord = 0;
      for (;;) {
        const digit = HEX_DIGITS[bytes[at] ?? 0] ?? NO_DIGIT;
        if (digit === NO_DIGIT) break;
        highWord = (highWord << 4) | (lowWord >>> 28);
        lowWord = (lowWord << 4) | digit;
        at++;
      }
      // t and w are local, T and W global.
      const type = bytes[at + 1] ?? 0;
      const text = (type & 0xdf) === 0x54 || (type & 0xdf) === 0x57;
      if (bytes[at] !== SPACE || bytes[at + 2] !== SPACE || !text) {
        at = nextLine(bytes, at);
        continue;
      }
      nameStarts[count] = namesEnd;
      at += 3;
      for (let byte = bytes[at] ?? NEWLINE; byte > SPACE; byte = bytes[++at] ?? NEWLINE) {
        names[namesEnd++] = byte;
      }
      names[namesEnd++] = NEWLINE;
      if (bytes[at] === TAB) {
        // `\t[nf_tables]\n`
        const end = nextLine(bytes, at);
        const module = asciiText(bytes, at + 2, end - 2);
        if (module !== lastModule) {
          lastModule = module;
          modules.push(module);
        }
        moduleIds[count] = modules.length - 1;
        at = end;
      } else {
        at++;
      }
      high[count] = highWord;
      low[count] = lowWord;
      global[count] = type < 0x60 ? 1 : 0;
      anyAddress |= highWord | lowWord;
      count++;
    }

    this.count = count;
    this.hidden = count > 0 && anyAddress === 0;
    this.#high = high.slice(0, count);
    this.#low = low.slice(0, count);
    this.#nameStarts = nameStarts.slice(0, count);
    this.#global = global.slice(0, count);
    this.#moduleIds = moduleIds.slice(0, count);
    this.#modules = modules;
    this.#names = names.slice(0, namesEnd);
    this.#order = sortByAddress(this.#high, this.#low);
  }

  /** The function that an address lies in; undefined when it lies in none, or all are hidden. */
  symbolize(address: bigint): KernelSymbol | undefined {
    if (this.hidden) return undefined;
    const high = Number((address >> 32n) & 0xffffffffn);
    const low = Number(address & 0xffffffffn);
    let from = 0;
    let to = this.count;
    while (from < to) {
      const middle = (from + to) >>> 1;
      const index = this.#order[middle] ?? 0;
      const h = this.#high[index] ?? 0;
      if (h < high || (h === high && (this.#low[index] ?? 0) <= low)) from = middle + 1;
      else to = middle;
    }
    if (from === 0) return undefined;
    const index = this.#bestAlias(from - 1);
    const offset = (high - (this.#high[index] ?? 0)) * 2 ** 32 + (low - (this.#low[index] ?? 0));
    const moduleId = this.#moduleIds[index] ?? 0;
    const name = this.#name(index);
    if (offset > (moduleId === 0 ? LARGEST_BUILT_IN : LARGEST_IN_MODULE)) return undefined;
    if (isEndMark(name)) return undefined;
    return { name, offset, module: moduleId === 0 ? undefined : this.#modules[moduleId] };
  }

  /** The addresses of the functions of that name, both ends included; there may be several of one name. */
  rangesOf(name: string): readonly AddressRange[] {
    if (this.hidden) return [];
    const ranges: AddressRange[] = [];
    const bytes = new TextEncoder().encode(name);
    this.#order.forEach((index, place) => {
      if (!this.#isNamed(index, bytes)) return;
      const from = this.#address(index);
      const largest = this.#moduleIds[index] === 0 ? LARGEST_BUILT_IN : LARGEST_IN_MODULE;
      let to = from + BigInt(largest);
      for (let next = place + 1; next < this.count; next++) {
        const address = this.#address(this.#order[next] ?? 0);
        if (address === from) continue;
        if (address <= to) to = address - 1n;
        break;
      }
      ranges.push({ from, to });
    });
    return ranges;
  }

  #address(index: number): bigint {
    return (BigInt(this.#high[index] ?? 0) << 32n) | BigInt(this.#low[index] ?? 0);
  }

  #isNamed(index: number, name: Uint8Array): boolean {
    const start = this.#nameStarts[index] ?? 0;
    if (this.#names[start + name.length] !== NEWLINE) return false;
    return name.every((byte, i) => this.#names[start + i] === byte);
  }

  /**
   * Of the symbols at one address the one with the fewest underscores in front (`memcpy`, not
   * `__memcpy` or a mark such as `_stext`), of these a global one, of these the first.
   */
  #bestAlias(place: number): number {
    let best = this.#order[place] ?? 0;
    let bestRank = this.#rank(best);
    for (let at = place - 1; at >= 0; at--) {
      const index = this.#order[at] ?? 0;
      if (this.#high[index] !== this.#high[best] || this.#low[index] !== this.#low[best]) break;
      const rank = this.#rank(index);
      if (rank <= bestRank) {
        best = index;
        bestRank = rank;
      }
    }
    return best;
  }

  #rank(index: number): number {
    const start = this.#nameStarts[index] ?? 0;
    let underscores = 0;
    while (this.#names[start + underscores] === 0x5f) underscores++;
    return underscores * 2 + (this.#global[index] === 1 ? 0 : 1);
  }

  #name(index: number): string {
    const start = this.#nameStarts[index] ?? 0;
    return asciiText(this.#names, start, this.#names.indexOf(NEWLINE, start));
  }
}

function nextLine(bytes: Uint8Array, at: number): number {
  const end = bytes.indexOf(NEWLINE, at);
  return end < 0 ? bytes.length : end + 1;
}

function asciiText(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i] ?? 0);
  return text;
}

/** What is built in comes sorted, modules and BPF programs behind it do not. */
function sortByAddress(high: Uint32Array, low: Uint32Array): Uint32Array {
  const compare = (a: number, b: number): number =>
    (high[a] ?? 0) - (high[b] ?? 0) || (low[a] ?? 0) - (low[b] ?? 0) || a - b;
  const count = high.length;
  const order = new Uint32Array(count);
  for (let i = 0; i < count; i++) order[i] = i;
  let sorted = 1;
  while (sorted < count && compare(sorted - 1, sorted) < 0) sorted++;
  if (sorted >= count) return order;
  const rest = order.slice(sorted).sort(compare);
  const merged = new Uint32Array(count);
  for (let a = 0, b = 0, i = 0; i < count; i++) {
    const right = rest[b];
    if (right === undefined || (a < sorted && compare(a, right) < 0)) merged[i] = a++;
    else {
      merged[i] = right;
      b++;
    }
  }
  return merged;
}
