import type { Btf } from '../../../../src/btf/btf.ts';
import { FilterError, UsageError } from '../../../../src/errors.ts';
import { readKernelBtf } from '../../../../src/kernel/view.ts';
import type { WhereNames } from '../../../../src/where/names.ts';
import { recordedKernel } from '../../../support/kernels.ts';

const opened = new Map<string, Btf>();

/** The types of a recorded kernel, read once. */
export function btfOf(kernel: string): Btf {
  const known = opened.get(kernel) ?? readKernelBtf(recordedKernel(kernel));
  opened.set(kernel, known);
  return known;
}

const REASONS = ['NOT_SPECIFIED', 'NO_SOCKET', 'NETFILTER_DROP'];
const NETNS: Readonly<Record<string, number>> = { self: 4026531833, blue: 42, mark: 43 };

/** Names of a small system. */
export const NAMES: WhereNames = {
  reason: (text) => {
    const index = REASONS.indexOf(text.toUpperCase());
    if (/^\d+$/.test(text)) return Number(text);
    if (index >= 0) return index + 2;
    throw new UsageError(`choosing drop reasons: ${text}: this kernel has no such reason`, {
      hint: 'did you mean NETFILTER_DROP?',
    });
  },
  netns: (text) => {
    const inode = NETNS[text];
    if (inode !== undefined) return inode;
    throw new UsageError(`choosing namespaces: ${text}: no such namespace`);
  },
  hook: (text) => {
    const index = ['drop', 'rx'].indexOf(text);
    if (index >= 0) return index;
    throw new UsageError(`choosing hooks: ${text}: no such hook`);
  },
  location: (text) => {
    if (text === 'nf_hook_slow') return [{ from: 0xffffffff81000000n, to: 0xffffffff810000ffn }];
    if (text === 'twice') {
      return [
        { from: 0xffffffff82000000n, to: 0xffffffff8200000fn },
        { from: 0xffffffff83000000n, to: 0xffffffff8300000fn },
      ];
    }
    throw new UsageError(`choosing locations: ${text}: no such function`);
  },
};

/** What a FilterError says: the text from its place on, its message without the beginning, its hint. */
export interface Complaint {
  readonly at: string;
  readonly why: string;
  readonly hint: string | undefined;
}

/** The error of `run`; throws when there is none or it is no FilterError about `expression`. */
export function complaint(expression: string, run: () => unknown): Complaint {
  try {
    run();
  } catch (error) {
    if (!(error instanceof FilterError) || error.expression !== expression) throw error;
    return {
      at: expression.slice(error.column),
      why: error.message.replace(/^reading --where: /, ''),
      hint: error.hint,
    };
  }
  throw new Error(`no error: ${expression}`);
}
