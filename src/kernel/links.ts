import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';
import { RuntimeError, UnsupportedError } from '../errors.ts';
import { inNetns, NOT_EXECUTED, TOOL_OPTIONS } from '../util/nsenter.ts';
import { type FileReader, readText } from './reader.ts';

/** A network device. */
export interface Link {
  readonly name: string;
  readonly ifindex: number;
  /** ARPHRD_* of include/uapi/linux/if_arp.h; undefined for one that is not known here. */
  readonly type: number | undefined;
  /** Ids of its XDP programs; undefined when that was not asked for. */
  readonly xdpPrograms?: readonly number[];
}

/** The devices of a namespace, by a file that setns(2) takes; undefined means the caller's own. */
export type ListLinks = (netnsPath: string | undefined) => readonly Link[];

/**
 * The devices that /sys/class/net shows, or undefined when that is another namespace's: sysfs shows
 * the namespace that it was mounted from, and `nsenter --net` does not mount it anew.
 */
export function sysfsLinks(reader: FileReader): readonly Link[] | undefined {
  const links: Link[] = [];
  for (const name of reader.readDir('/sys/class/net') ?? []) {
    const ifindex = readNumber(reader, `/sys/class/net/${name}/ifindex`);
    // Beside the devices there is a file, bonding_masters.
    if (ifindex === undefined) continue;
    links.push({ name, ifindex, type: readNumber(reader, `/sys/class/net/${name}/type`) });
  }
  return showsOwnNamespace(reader, links) ? links : undefined;
}

function ipCommand(netnsPath: string | undefined): readonly [string, readonly string[]] {
  const args = ['-json', 'link', 'show'];
  return netnsPath === undefined ? ['ip', args] : inNetns(netnsPath, ['ip', ...args]);
}

/** As listLinksByIp(), while others go on; undefined when it cannot be told. */
export async function listLinksInBackground(
  netnsPath: string | undefined,
): Promise<readonly Link[] | undefined> {
  const [program, args] = ipCommand(netnsPath);
  try {
    const { stdout } = await promisify(execFile)(program, args, TOOL_OPTIONS);
    return parseIpLinks(stdout);
  } catch {
    return undefined;
  }
}

/** By `ip` of iproute2, inside the namespace by `nsenter` of util-linux. */
export const listLinksByIp: ListLinks = (netnsPath) => {
  const [program, args] = ipCommand(netnsPath);
  const doing = `listing devices${netnsPath === undefined ? '' : ` of namespace ${netnsPath}`}`;
  let output: string;
  try {
    output = execFileSync(program, args, {
      ...TOOL_OPTIONS,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  } catch (error) {
    const { code, stderr } = error as { code?: unknown; stderr?: unknown };
    const why = typeof stderr === 'string' ? (stderr.trim().split('\n')[0] ?? '') : '';
    const missing = code === 'ENOENT' || NOT_EXECUTED.test(why);
    if (missing) {
      throw new UnsupportedError(`${doing}: ip or nsenter: not found`, {
        hint: 'apt-get install iproute2 util-linux, or run xcap inside the namespace',
        cause: error,
      });
    }
    throw new RuntimeError(`${doing}: ${program}: ${why === '' ? String(code) : why}`, {
      cause: error,
    });
  }
  return parseIpLinks(output);
};

/** Names that `ip` gives to ARPHRD numbers (iproute2, lib/ll_types.c); others are printed as `[N]`. */
const LINK_TYPES: Readonly<Record<string, number>> = {
  ether: 1,
  ppp: 512,
  ipip: 768,
  tunnel6: 769,
  loopback: 772,
  sit: 776,
  gre: 778,
  gre6: 823,
  'ieee802.11': 801,
  'ieee802.11/radiotap': 803,
  infiniband: 32,
  can: 280,
  rawip: 519,
  netlink: 824,
  vsockmon: 826,
  none: 0xfffe,
};

/** What `ip -json link show` prints. Throws RuntimeError when it is something else. */
export function parseIpLinks(json: string): Link[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch (error) {
    throw new RuntimeError('listing devices: ip -json: its output is no JSON', {
      hint: 'iproute2 of 2018 or later is needed',
      cause: error,
    });
  }
  const links: Link[] = [];
  for (const item of Array.isArray(parsed) ? (parsed as readonly unknown[]) : []) {
    const { ifname, ifindex, link_type: type, xdp } = item as Readonly<Record<string, unknown>>;
    if (typeof ifname !== 'string' || typeof ifindex !== 'number') continue;
    links.push({
      ...{ name: ifname, ifindex, type: linkType(typeof type === 'string' ? type : '') },
      ...(xdp === undefined ? {} : { xdpPrograms: parseXdp(xdp) }),
    });
  }
  return links;
}

/** `{"mode":1,"prog":{"id":12}}`; several modes are in a list, `attached`. */
function parseXdp(xdp: unknown): readonly number[] {
  const { prog, attached } = xdp as { prog?: { id?: unknown }; attached?: readonly unknown[] };
  const ids = [prog?.id, ...(Array.isArray(attached) ? attached.flatMap(parseXdp) : [])];
  return [...new Set(ids.filter((id) => typeof id === 'number'))];
}

function linkType(text: string): number | undefined {
  const digits = /^\[(\d+)\]$/.exec(text)?.[1];
  return digits === undefined ? LINK_TYPES[text] : Number(digits);
}

/**
 * Compares with /proc/self/net, which always shows the own namespace: names of all devices in `dev`,
 * indices of those that are up in `igmp` (`2\teth0 : ...`).
 */
function showsOwnNamespace(reader: FileReader, links: readonly Link[]): boolean {
  const dev = readText(reader, '/proc/self/net/dev');
  if (dev !== undefined) {
    const names = [...dev.matchAll(/^\s*(\S+):\s*\d/gm)].map((match) => match[1]).sort();
    const shown = links.map((link) => link.name).sort();
    if (names.join(' ') !== shown.join(' ')) return false;
  }
  const igmp = readText(reader, '/proc/self/net/igmp') ?? '';
  return [...igmp.matchAll(/^(\d+)\t(\S+?)\s*:/gm)].every(([, ifindex, name]) =>
    links.some((link) => link.ifindex === Number(ifindex) && link.name === name),
  );
}

function readNumber(reader: FileReader, path: string): number | undefined {
  const text = readText(reader, path);
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}
