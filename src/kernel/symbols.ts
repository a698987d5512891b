import { findFunctions, type FunctionSymbol } from './find-functions.ts';
import { type Clock, Gate, monotonicClock } from './gate.ts';
import { type AddressRange, isEndMark, Kallsyms, type KernelSymbol } from './kallsyms.ts';
import { loadedModules } from './loaded-modules.ts';
import { type FileReader, readText } from './reader.ts';

/** Reading kallsyms takes a tenth of a second, so an address of no name must not cause it often. */
const RELOAD_MS = 10_000;
/** So long holds what the kernel said: a module may go, and another come in its place. */
const RENEW_MS = 1000;
/** Locations are few; whoever floods the cache loses it. */
const CACHE_LIMIT = 10_000;

/** Why addresses have no names, and what would mend it. */
export interface SymbolsNote {
  readonly message: string;
  readonly hint: string;
}

/** An address as the kernel writes it by `%pS`: `nft_do_chain+0x40e/0x780 [nf_tables]`, or a number. */
export type AddressNames = (address: bigint) => string;

/**
 * Names of kernel addresses: asked of the kernel where it answers. Else /proc/kallsyms is read at the first question, and
 * again when a module or a BPF program has come since.
 */
export class KernelSymbols {
  readonly #reader: FileReader;
  readonly #createNames: () => AddressNames | undefined;
  readonly #reload: Gate;
  readonly #renew: Gate;
  readonly #formatted = new Map<bigint, string>();
  #table: Kallsyms | undefined;
  #modules = '';
  #names: { readonly ask: AddressNames | undefined } | undefined;

  /** @param createNames undefined where only kallsyms tells: of a kernel that is not the running one */
  constructor(
    reader: FileReader,
    now: Clock = monotonicClock,
    createNames: () => AddressNames | undefined = () => undefined,
  ) {
    this.#reader = reader;
    this.#createNames = createNames;
    this.#reload = new Gate(RELOAD_MS, now);
    this.#renew = new Gate(RENEW_MS, now);
  }

  /** No function can be found by its name: kallsyms hides them, or is not there. */
  get hidden(): boolean {
    const table = this.#load();
    return table.hidden || table.count === 0;
  }

  /** Says why addresses cannot be named, if they cannot. */
  namingNote(): SymbolsNote | undefined {
    return this.#ask === undefined ? this.note() : undefined;
  }

  /** Lets go of kallsyms, which is read again should it be asked for again: what came since would be taken for its neighbour. */
  forget(): void {
    this.#table = undefined;
    this.#formatted.clear();
  }

  get #ask(): AddressNames | undefined {
    return (this.#names ??= { ask: this.#createNames() }).ask;
  }

  /** Says why when `hidden`. */
  note(): SymbolsNote | undefined {
    if (!this.hidden) return undefined;
    const message = 'kernel addresses cannot be named: locations are printed as numbers';
    if (this.#load().count === 0) {
      return {
        message: `${message}: no /proc/kallsyms`,
        hint: 'use a kernel with CONFIG_KALLSYMS, and mount /proc',
      };
    }
    // kallsyms_show_value() in kernel/ksyms_common.c: 2 hides them from everyone, else CAP_SYSLOG tells.
    const restrict = readText(this.#reader, '/proc/sys/kernel/kptr_restrict');
    return restrict === '2'
      ? { message: `${message}: kptr_restrict is 2`, hint: 'sysctl -w kernel.kptr_restrict=1' }
      : { message: `${message}: CAP_SYSLOG is missing`, hint: 'run as root, or with CAP_SYSLOG' };
  }

  symbolize(address: bigint): KernelSymbol | undefined {
    return this.#ask === undefined ? this.#lookUp(address) : parseSymbol(this.#ask(address));
  }

  #lookUp(address: bigint): KernelSymbol | undefined {
    let found = this.#load().symbolize(address);
    if (this.#load().hidden) return undefined;
    // An address in a module that came later may seem to lie in one that was there before.
    const stale =
      found === undefined
        ? this.#reload.pass()
        : found.module !== undefined && this.#listModules() !== this.#modules;
    if (stale) {
      this.#table = undefined;
      this.#formatted.clear();
      found = this.#load().symbolize(address);
    }
    return found;
  }

  /** `nf_hook_slow+0xa2`, `nft_do_chain+0x40e [nf_tables]`; without a name `0xffffffff81a3c0d2`. */
  format(address: bigint): string {
    if (this.#ask !== undefined && this.#renew.pass()) this.#formatted.clear();
    const known = this.#formatted.get(address);
    if (known !== undefined) return known;
    const symbol = this.symbolize(address);
    const text = formatSymbol(symbol, address);
    if (symbol === undefined) return text;
    if (this.#formatted.size >= CACHE_LIMIT) this.#formatted.clear();
    this.#formatted.set(address, text);
    return text;
  }

  /**
   * As format(), of an address that a call returns to: where the call is a function's last instruction that is
   * the next function's first (the kernel's own %pB does the same).
   */
  formatReturn(address: bigint): string {
    const symbol = this.symbolize(address - 1n);
    return formatSymbol(symbol && { ...symbol, offset: symbol.offset + 1 }, address);
  }

  /** The addresses of the functions of that name; none when it is unknown, or `hidden`. */
  rangesOf(name: string): readonly AddressRange[] {
    return this.#load().rangesOf(name);
  }

  /** See findFunctions(). */
  find(names: ReadonlySet<string>): ReadonlyMap<string, readonly FunctionSymbol[]> {
    return findFunctions(this.#read(), names);
  }

  #load(): Kallsyms {
    if (this.#table === undefined) {
      this.#reload.pass();
      this.#modules = this.#listModules();
      this.#table = new Kallsyms(this.#read());
    }
    return this.#table;
  }

  #read(): Uint8Array {
    return this.#reader.readFile('/proc/kallsyms') ?? new Uint8Array();
  }

  /** Names and addresses of the loaded modules; their use counts change all the time. */
  #listModules(): string {
    return loadedModules(this.#reader)
      .map(({ name, address }) => `${name} ${address}`)
      .join('\n');
  }
}

function formatSymbol(symbol: KernelSymbol | undefined, address: bigint): string {
  if (symbol === undefined) return `0x${address.toString(16)}`;
  const module = symbol.module === undefined ? '' : ` [${symbol.module}]`;
  return `${symbol.name}+0x${symbol.offset.toString(16)}${module}`;
}

/** @param text as AddressNames gives it */
function parseSymbol(text: string): KernelSymbol | undefined {
  const [, name, offset, module] =
    /^(\S+)\+0x([0-9a-f]+)\/0x[0-9a-f]+(?: \[(\S+)\])?$/.exec(text) ?? [];
  if (name === undefined || offset === undefined || isEndMark(name)) return undefined;
  return { name, offset: Number.parseInt(offset, 16), module };
}
