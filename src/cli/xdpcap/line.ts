import { UsageError } from '../../errors.ts';
import { parseXdpAction, XDP_ACTIONS } from '../../hooks/xdp-actions.ts';
import { linkTypeByName } from './link-type.ts';
import { splitFlags, type FlagKinds } from './flags.ts';

/** A command line of xdpcap, checked for form. */
export interface XdpcapLine {
  readonly mapPath: string;
  /** A file, or `-` for standard output. */
  readonly output: string;
  /** An expression, or cBPF as text; empty matches everything. */
  readonly filter: string;
  /** DLT_ number that an expression is compiled for. */
  readonly linkType: number;
  /** In the order given; undefined: all that the map has. */
  readonly actions: readonly number[] | undefined;
  /** Bytes for each CPU; undefined leaves it to xcap. */
  readonly bufferBytes: number | undefined;
  readonly watermarkBytes: number;
  readonly quiet: boolean;
  readonly flush: boolean;
}

const FLAGS: FlagKinds = {
  actions: 'value',
  buffer: 'value',
  flush: 'switch',
  linktype: 'value',
  q: 'switch',
  watermark: 'value',
};

export const XDPCAP_USAGE = `usage: xcap xdpcap [options] <debug map> <output> [<filter expr>]

Captures what XDP programs decide on, through the hook map that they call into (templates/xcap_hook.h),
with the command line of xdpcap. <filter expr> is an expression of tcpdump's, or a classic BPF
program: '<count>,<op> <jt> <jf> <k>,...'. <output> is a pcapng file with an interface for each
action; "-" is standard output, with -q and -flush.

  -actions a,b       aborted, drop, pass, tx, redirect or numbers; all that the map has without it
  -buffer bytes      memory for packets on their way, for each CPU; at least 1 MiB in all,
                     16 MiB without it
  -flush             write each packet as it comes
  -linktype name     what <filter expr> is compiled for: ethernet, or a name or number of libpcap's
  -q                 no counts on standard error
  -watermark bytes   less than -buffer; accepted, and without effect: packets are read as they come
  -h                 this text

The counts, each second: received/matched packets of each action, and those lost.
Exit status: 0 done, and this text; 1 usage; 2 the capture failed.
`;

/**
 * @returns undefined when the usage text is asked for
 * @throws UsageError
 */
export function parseXdpcapLine(args: readonly string[]): XdpcapLine | undefined {
  const { values, switches, help, words } = splitFlags(args, FLAGS);
  if (help) return undefined;
  const [mapPath, output, ...filter] = words;
  const given = {
    linkType: linkTypeByName(values.get('linktype') ?? 'ethernet'),
    actions: values.has('actions') ? parseActions(values.get('actions') ?? '') : undefined,
    bufferBytes: parseBytes('buffer', values.get('buffer')),
    watermarkBytes: parseBytes('watermark', values.get('watermark')) ?? 1,
  };
  if (mapPath === undefined || output === undefined) {
    throw new UsageError('reading the command line: <debug map> and <output> are missing', {
      hint: 'xcap xdpcap /sys/fs/bpf/NAME capture.pcapng',
    });
  }
  const toStdout = output === '-';
  return {
    ...given,
    mapPath,
    output,
    filter: filter.join(' ').trim(),
    quiet: toStdout || switches.get('q') === true,
    flush: toStdout || switches.get('flush') === true,
  };
}

function parseActions(text: string): readonly number[] {
  return text.split(',').map((word) => {
    const action = parseXdpAction(word);
    if (action !== undefined) return action;
    throw new UsageError(`reading the command line: -actions: ${word}: no such action`, {
      hint: `actions are ${XDP_ACTIONS.join(', ')}, and numbers`,
    });
  });
}

/** Go's integers: decimal, or with a prefix. */
const INTEGER = /^(0x[0-9a-f]+|0o[0-7]+|0b[01]+|[0-9]+)$/i;

function parseBytes(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = INTEGER.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(value)) return value;
  throw new UsageError(`reading the command line: -${name}: ${text}: no number of bytes`);
}
