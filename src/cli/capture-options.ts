import type {
  CaptureOptions,
  HexMode,
  MetadataFilter,
  OutputFormat,
  OutputRequest,
  TextOptions,
  TimeMode,
  WhoOptions,
} from '../capture/options.ts';
import { UsageError } from '../errors.ts';
import { MOST_HOOKS, type FunctionBackend } from '../hooks/spec.ts';
import { parseXdpAction, XDP_ACTIONS } from '../hooks/xdp-actions.ts';
import { parseUserC } from '../user-c/user-c.ts';
import type { UserSource } from '../user-c/source.ts';
import type { Given } from './given.ts';
import { linkTypeNumber } from './link-types.ts';
import { badValue, parseDuration, parseMark, parseNumber, parsePercent } from './values.ts';
import { parseSample, parseShortName, parseText } from './values.ts';

export const DEFAULT_SNAPLEN = 262144;
const DEFAULT_RING_KIB = 16384;
/** max_entries of a ring buffer has 32 bits and is a power of two. */
const MAX_RING_KIB = 2 ** 31 / 1024;

/** What surrounds a command line and has a say in it. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What stands behind `--`: a command to run and trace; nothing unless given. */
  readonly command?: readonly string[];
  /** The text of the file that -F names. */
  readonly readExpression: (spelled: string, path: string) => string;
  /** A file's text as it is. */
  readonly readText: (spelled: string, path: string) => string;
  /** The device that -i names, where a number stands for a line of -D. */
  readonly resolveDevice: (spelled: string, name: string) => string;
}

/** Checks and types what was given. @throws UsageError */
export function captureOptions(
  given: Given,
  words: readonly string[],
  around: Surroundings,
): CaptureOptions {
  const hooks = given.list('hook', splitHooks).flat();
  const device = given.value('interface', parseInterface(around));
  const dumpFilter = Math.min(given.count('dump-filter'), 3) as CaptureOptions['dumpFilter'];
  return {
    hooks: hooks.length === 0 ? ['drop'] : [...new Set(hooks)],
    backend: given.value('backend', parseBackend),
    exclude: given.list('exclude', splitHooks).flat(),
    maxHooks: given.value('max-hooks', parseMaxHooks),
    loadPass: given.has('load-pass'),
    xdpActions: given.value('actions', parseXdpActions),
    partial: given.has('partial'),
    rule: given.has('rule'),
    expression: given.value('expression-file', around.readExpression) ?? words.join(' '),
    inner: given.value('inner', (_spelled, text) => text),
    userC: parseUserC(
      given.value('filter-c', readUserC(around, '--filter-c')),
      given.value('action-c', readUserC(around, '--action-c')),
    ),
    optimize: !given.has('no-optimize'),
    interface: device === 'any' ? undefined : device,
    metadata: metadataFilters(given),
    who: whoOptions(given),
    where: given.list('where', parseWhereText),
    ...outputs(given),
    print: given.has('print'),
    count: given.value('max-packets', (spelled, text) =>
      parseNumber(spelled, text, { min: 1, max: Number.MAX_SAFE_INTEGER }),
    ),
    snaplen: given.value('snaplen', parseSnaplen) ?? DEFAULT_SNAPLEN,
    ringKiB: given.value('buffer-size', parseRing) ?? DEFAULT_RING_KIB,
    durationNs: given.value('duration', parseDuration),
    sample: given.value('sample', parseSample),
    track: given.has('track') || given.has('gather'),
    gather: gatherOptions(given),
    stack: given.has('stack'),
    maxOverhead: given.value('max-overhead', parsePercent),
    linkTypeOverride: given.value('linktype', parseLinkType(dumpFilter > 0)),
    text: textOptions(given, around.env),
    dryRun: given.has('dry-run'),
    dumpFilter,
    readyFile: given.value('ready-file', parseText),
    command: commandOptions(around),
    cache: cacheOptions(around.env),
    withoutFeature: given.list('without-feature', parseText),
  };
}

function gatherOptions(given: Given): CaptureOptions['gather'] {
  const waitNs = given.value('gather-wait', parseDuration);
  if (given.has('gather'))
    return { waitMs: waitNs === undefined ? undefined : Number(waitNs) / 1e6 };
  if (waitNs === undefined) return undefined;
  throw new UsageError('reading the command line: --gather-wait: nothing is gathered', {
    hint: 'give --gather too',
  });
}

function commandOptions({ command = [], env }: Surroundings): CaptureOptions['command'] {
  return command.length === 0 ? undefined : { words: command, env };
}

const CACHE_DIRECTORY = '/var/cache/xcap';

/** XCAP_CACHE names another directory; `off`, or nothing, stands for none. */
function cacheOptions(env: Surroundings['env']): CaptureOptions['cache'] {
  const directory = env['XCAP_CACHE'] ?? CACHE_DIRECTORY;
  return directory === '' || directory === 'off' ? undefined : { directory, env };
}

function readUserC(around: Surroundings, option: UserSource['option']) {
  return (spelled: string, path: string): UserSource => ({
    option,
    path,
    text: around.readText(spelled, path),
  });
}

/** Its own parser says what is wrong inside, with a caret. */
function parseWhereText(spelled: string, text: string): string {
  if (text.trim() !== '') return text;
  throw badValue(spelled, text, 'empty', `${spelled} 'mark & 0xff == 3'`);
}

function splitHooks(spelled: string, text: string): readonly string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.includes('')) throw badValue(spelled, text, 'a name is empty', `${spelled} drop,rx`);
  return names;
}

/** @throws UsageError */
export function parseXdpActions(spelled: string, text: string): readonly number[] {
  return text.split(',').map((word) => {
    const action = parseXdpAction(word);
    if (action !== undefined) return action;
    const hint = `actions are ${XDP_ACTIONS.join(', ')}, and numbers`;
    throw badValue(spelled, text, `${word}: no such action`, hint);
  });
}

function parseMaxHooks(spelled: string, text: string): number {
  return parseNumber(spelled, text, { min: 1, max: MOST_HOOKS });
}

function parseBackend(_spelled: string, text: string): FunctionBackend {
  return text === 'kprobe.multi' ? 'kprobe-multi' : (text as FunctionBackend);
}

function parseInterface(around: Surroundings) {
  return (spelled: string, text: string): string => {
    const [name = '', ...netns] = text.split('@');
    if (name === '' || netns.some((part) => part === '')) {
      throw badValue(spelled, text, 'a name is empty', `${spelled} eth0, or ${spelled} eth0@blue`);
    }
    parseShortName(spelled, name, "a device's name");
    return around.resolveDevice(spelled, text);
  };
}

/** 0 stands for the default, as with tcpdump. */
export function parseSnaplen(spelled: string, text: string): number {
  return parseNumber(spelled, text, { min: 0, max: DEFAULT_SNAPLEN }) || DEFAULT_SNAPLEN;
}

function parseRing(spelled: string, text: string): number {
  const kib = parseNumber(spelled, text, { min: 1, max: MAX_RING_KIB });
  return Math.max(4, 2 ** Math.ceil(Math.log2(kib)));
}

function parseLinkType(any: boolean) {
  return (spelled: string, text: string): string => {
    linkTypeNumber(spelled, text);
    const name = text.toUpperCase();
    if (any || name === 'EN10MB' || name === 'RAW') return name;
    const hint = `${spelled} EN10MB or ${spelled} RAW; others with -d`;
    throw badValue(spelled, text, 'no packet is traced with this link type', hint);
  };
}

/** What a filter looks at is shown too. */
function whoOptions(given: Given): WhoOptions {
  if (given.has('follow') && !given.has('pid')) {
    throw new UsageError('reading the command line: --follow: without --pid', {
      hint: '--pid PID --follow; a command of its own is followed anyway: xcap ... -- COMMAND',
    });
  }
  const wanted = given.list('who', parseWho).flat();
  const wants = (what: (typeof WHO)[number]): boolean =>
    wanted.includes(what) || wanted.includes('all');
  return {
    owner: wants('owner'),
    cgroup: wants('cgroup') || given.has('cgroup') || given.has('container'),
    follow: given.has('follow'),
  };
}

const WHO = ['owner', 'cgroup', 'all'] as const;

function parseWho(spelled: string, text: string): readonly (typeof WHO)[number][] {
  return text.split(',').map((word) => {
    const what = WHO.find((each) => each === word);
    if (what !== undefined) return what;
    throw badValue(spelled, text, `${word}: no such choice`, `${spelled} ${WHO.join(', ')}`);
  });
}

const PID_MAX = 2 ** 22;
const UID_MAX = 2 ** 32 - 2;

function metadataFilters(given: Given): readonly MetadataFilter[] {
  type Value<K> = Omit<Extract<MetadataFilter, { key: K }>, 'key' | 'negate'>;
  /** `!` before the argument negates it. */
  function negatable<V>(parse: (spelled: string, text: string) => V) {
    return (spelled: string, text: string): { negate: boolean } & V => {
      const negate = text.startsWith('!');
      return { negate, ...parse(spelled, negate ? text.slice(1) : text) };
    };
  }
  function numbers(key: 'pid' | 'tid' | 'uid', max: number): readonly MetadataFilter[] {
    const parse = negatable((spelled, text): Value<typeof key> => {
      if (/^[0-9]+,/.test(text)) {
        const hint = text.split(',').map((part) => `${spelled} ${part}`);
        throw badValue(spelled, text, 'one number at a time', hint.join(' '));
      }
      return { value: parseNumber(spelled, text, { min: 0, max }) };
    });
    return given.list(key, parse).map((filter) => ({ key, ...filter }));
  }
  function names(
    key: 'comm' | 'netns' | 'reason' | 'ifname' | 'cgroup' | 'container',
    check: (spelled: string, text: string) => string,
  ): readonly MetadataFilter[] {
    const parse = negatable((spelled, text): Value<typeof key> => ({
      value: check(spelled, text),
    }));
    return given.list(key, parse).map((filter) => ({ key, ...filter }));
  }
  return [
    ...numbers('pid', PID_MAX),
    ...numbers('tid', PID_MAX),
    ...numbers('uid', UID_MAX),
    ...names('comm', (spelled, text) => parseShortName(spelled, text, "a thread's name")),
    ...names('ifname', (spelled, text) => parseShortName(spelled, text, "a device's name")),
    ...names('netns', parseText),
    ...names('reason', parseText),
    ...names('cgroup', parseText),
    ...names('container', parseText),
    ...given.list('mark', negatable(parseMark)).map((mark) => ({ key: 'mark' as const, ...mark })),
  ];
}

/** A capture file is pcapng or pcap; text and JSON are for standard output, beside it if asked. */
function outputs(given: Given): Pick<CaptureOptions, 'write' | 'format' | 'outputs'> {
  const chosen = given.value('format', (_spelled, text) => text as OutputFormat);
  const format = given.has('json') ? 'json' : chosen;
  const binary = format === 'pcap' || format === 'pcapng';
  const write = given.value('write', parseText) ?? (binary ? '-' : undefined);

  const all: OutputRequest[] = [];
  if (write !== undefined) {
    const byName = write.endsWith('.pcap') ? 'pcap' : 'pcapng';
    const path = write === '-' ? undefined : write;
    all.push({ format: binary ? format : byName, path });
  }
  if (format === 'json') all.push({ format, path: undefined });
  if (given.has('print') || format === 'text' || all.length === 0) {
    all.push({ format: 'text', path: undefined });
  }
  const [first, second] = all.filter(({ path }) => path === undefined);
  if (first !== undefined && second !== undefined) {
    throw new UsageError(
      `reading the command line: standard output: asked for ${first.format} and ${second.format} at once`,
      { hint: 'send one of them to a file: -w FILE' },
    );
  }
  return { write, format, outputs: all };
}

const TIME_MODES: readonly TimeMode[] = ['time', 'none', 'epoch', 'delta', 'date', 'elapsed'];

function textOptions(given: Given, env: Surroundings['env']): TextOptions {
  const time = TIME_MODES[given.count('time')];
  if (time === undefined) {
    throw new UsageError('reading the command line: -t: given more than five times', {
      hint: '-t, -tt, -ttt, -tttt or -ttttt',
    });
  }
  // https://no-color.org: any value but none counts.
  const plain = (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb';
  const color = given.value('color', (_spelled, text) => text as TextOptions['color']) ?? 'auto';
  return {
    time,
    utc: given.has('utc'),
    linkHeader: given.has('link-header'),
    verbose: given.count('verbose'),
    quiet: given.has('quiet'),
    hex: hexMode(given),
    absoluteSequence: given.has('absolute-sequence'),
    lineBuffered: given.has('line-buffered'),
    packetBuffered: given.has('packet-buffered'),
    color: color === 'auto' && plain ? 'never' : color,
  };
}

/** As tcpdump chooses when several are given: -X before -x before -A. */
function hexMode(given: Given): HexMode {
  const doubled = (key: 'hex-ascii' | 'hex' | 'ascii', one: HexMode, two: HexMode) =>
    given.has(key) ? (given.count(key) > 1 ? two : one) : undefined;
  return (
    doubled('hex-ascii', 'X', 'XX') ??
    doubled('hex', 'x', 'xx') ??
    doubled('ascii', 'A', 'AA') ??
    'none'
  );
}
