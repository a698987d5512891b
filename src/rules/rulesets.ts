import { spawnSync } from 'node:child_process';
import { inNetns, NOT_EXECUTED, TOOL_OPTIONS } from '../util/nsenter.ts';
import { parseNftRuleset, type NftBaseChain, type NftRuleset } from './nft-ruleset.ts';
import { parseXtRuleset, type XtRuleset } from './xt-ruleset.ts';

/** What a tool printed; a text instead: why it cannot tell. */
export type ToolAnswer = { readonly stdout: string; readonly stderr: string } | string;

/** Runs a program in a network namespace, by a file that setns(2) takes. */
export type RunTool = (netnsPath: string, command: readonly string[]) => ToolAnswer;

export interface RulesetsOptions {
  readonly run: RunTool;
  /** A file that leads into a network namespace. */
  readonly netnsPath: (inode: number) => string | undefined;
  /** How often rules have been changed, as far as that is watched; undefined while some are. */
  readonly changes: () => bigint | undefined;
  readonly now?: () => number;
}

/** A rule's text, or why there is none. */
export interface RuleText {
  readonly text?: string | undefined;
  readonly why?: string | undefined;
  readonly isIptables?: boolean | undefined;
}

/** A namespace is listed at most so often. */
const AGAIN_MS = 1000;
/** Tables of iptables-legacy: the only names that a command is made of. */
const TABLES = ['filter', 'nat', 'mangle', 'raw', 'security'];

const LIST_NFT = ['nft', '-a', '-s', '-t', 'list', 'ruleset'];

interface Listing<T> {
  readonly at: number;
  readonly changes: bigint | undefined;
  readonly rules: T | string;
}

/**
 * Texts of rules, from the tools that print them: nft and iptables-legacy-save, run when a rule is not
 * known yet, in the namespace that it is of.
 */
export class Rulesets {
  readonly #options: RulesetsOptions;
  readonly #now: () => number;
  readonly #nft = new Map<number, Listing<NftRuleset>>();
  readonly #xt = new Map<string, Listing<XtRuleset>>();

  constructor(options: RulesetsOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** A handle is given once in a table's life, and a table's once in its namespace's. */
  nft(netns: number, table: bigint, handle: bigint): RuleText {
    let listing = this.#nft.get(netns);
    for (;;) {
      if (listing !== undefined && typeof listing.rules !== 'string') {
        const text = listing.rules.rule(table, handle);
        const isIptables = listing.rules.isIptables(table);
        if (text !== undefined || handle === 0n) return { text, isIptables };
      }
      if (listing !== undefined && this.#now() - listing.at < AGAIN_MS) {
        const { rules } = listing;
        return { why: typeof rules === 'string' ? rules : 'the rule is gone' };
      }
      listing = this.#list(netns, LIST_NFT, parseNftRuleset);
      this.#nft.set(netns, listing);
    }
  }

  /**
   * The chain of nf_tables that a packet entered by, where it can be one only.
   *
   * @param generation how often rules had been changed when the packet came by
   */
  nftChain(
    netns: number,
    family: string,
    hook: string,
    generation: bigint,
  ): (NftBaseChain & { readonly isIptables: boolean }) | undefined {
    let listing = this.#nft.get(netns);
    if (this.#isOld(listing, generation)) {
      listing = this.#list(netns, LIST_NFT, parseNftRuleset);
      this.#nft.set(netns, listing);
    }
    if (listing === undefined || listing.changes !== generation) return undefined;
    const { rules } = listing;
    if (typeof rules === 'string') return undefined;
    const [first, second] = rules.baseChains.filter(
      (each) => each.family === family && each.hook === hook && each.type === 'filter',
    );
    if (first === undefined || second !== undefined) return undefined;
    return { ...first, isIptables: rules.isIptables(first.tableHandle) };
  }

  /** @param generation how often tables had been replaced when the packet came by */
  xt(
    netns: number,
    family: number,
    table: string,
    chain: string,
    number: number,
    generation: bigint,
  ): RuleText {
    if (!TABLES.includes(table)) return { why: 'the table is not one of iptables' };
    const key = `${netns}/${family}/${table}`;
    let listing = this.#xt.get(key);
    if (listing === undefined || this.#isOld(listing, generation)) {
      const tool = family === NFPROTO_IPV6 ? 'ip6tables' : 'iptables';
      listing = this.#list(netns, [`${tool}-legacy-save`, '-t', table], parseXtRuleset);
      this.#xt.set(key, listing);
    }
    const { rules, changes } = listing;
    if (typeof rules === 'string') return { why: rules };
    if (changes !== generation) return { why: 'rules have changed since' };
    const text = rules.rule(chain, number);
    return text === undefined ? { why: 'it is not listed' } : { text };
  }

  #isOld(listing: Listing<unknown> | undefined, generation: bigint): boolean {
    if (listing === undefined) return true;
    if (listing.changes === generation) return false;
    // A newer listing is of the rules that the packet met: each change is worth one.
    return this.#options.changes() === generation || this.#now() - listing.at >= AGAIN_MS;
  }

  #list<T>(
    netns: number,
    command: readonly string[],
    parse: (stdout: string, stderr: string) => T,
  ): Listing<T> {
    const at = this.#now();
    const path = this.#options.netnsPath(netns);
    if (path === undefined) return { at, changes: undefined, rules: 'its namespace is gone' };
    const before = this.#options.changes();
    const answer = this.#options.run(path, command);
    const changes = this.#options.changes() === before ? before : undefined;
    if (typeof answer === 'string') return { at, changes, rules: answer };
    try {
      return { at, changes, rules: parse(answer.stdout, answer.stderr) };
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return { at, changes, rules: `${command[0] ?? ''}: ${error.message}` };
    }
  }
}

export const NFPROTO_IPV6 = 10;

export const runTool: RunTool = (netnsPath, command) => {
  const [tool = ''] = command;
  const result = spawnSync(...inNetns(netnsPath, command), TOOL_OPTIONS);
  const { error, status, stdout, stderr } = result;
  if (error !== undefined) {
    const { code } = error as { code?: unknown };
    return code === 'ENOENT' ? 'nsenter: not found' : `${tool}: ${String(code)}`;
  }
  const why = stderr.trim().split('\n')[0] ?? '';
  if (NOT_EXECUTED.test(why)) return `${tool}: not found`;
  if (status !== 0) return `${tool}: ${why === '' ? `status ${status ?? '?'}` : why}`;
  return { stdout, stderr };
};
