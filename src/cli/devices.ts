import { UsageError } from '../errors.ts';
import { listLinksByIp, sysfsLinks } from '../kernel/links.ts';
import { readText, type FileReader } from '../kernel/reader.ts';
import { nearest } from '../util/nearest.ts';

/** A line of -D. */
export interface Device {
  readonly name: string;
  /** As tcpdump words them: Up, Running, Loopback, ...; undefined when they cannot be read. */
  readonly states: readonly string[] | undefined;
}

/** include/uapi/linux/if.h */
const IFF_UP = 0x1;
const IFF_LOOPBACK = 0x8;

/** The devices of this process's namespace in the order of -D: those that are up first. */
export function listDevices(reader: FileReader): readonly Device[] {
  const shown = sysfsLinks(reader);
  const links = [...(shown ?? listLinksByIp(undefined))].sort((a, b) => a.ifindex - b.ifindex);
  const devices = links.map(({ name }) => ({
    name,
    states: shown === undefined ? undefined : statesOf(reader, name),
  }));
  const isUp = (device: Device): boolean => device.states?.includes('Up') === true;
  const isLoopback = (device: Device): boolean => device.states?.includes('Loopback') === true;
  const rank = (device: Device): number => (isUp(device) ? (isLoopback(device) ? 1 : 0) : 2);
  return devices.sort((a, b) => rank(a) - rank(b));
}

function statesOf(reader: FileReader, name: string): readonly string[] {
  const read = (file: string): string | undefined => {
    try {
      return readText(reader, `/sys/class/net/${name}/${file}`);
    } catch {
      // The carrier of a device that is down gives EINVAL.
      return undefined;
    }
  };
  const flags = Number(read('flags') ?? 0);
  const up = (flags & IFF_UP) !== 0;
  const loopback = (flags & IFF_LOOPBACK) !== 0;
  const carrier = up && read('carrier') === '1';
  return [
    ...(up ? ['Up'] : []),
    ...(carrier ? ['Running'] : []),
    ...(loopback ? ['Loopback'] : []),
    ...(up && !loopback ? [carrier ? 'Connected' : 'Disconnected'] : []),
  ];
}

/** The lines that -D prints. */
export function formatDevices(devices: readonly Device[]): readonly string[] {
  return [
    ...devices.map(({ name, states }, i) => {
      if (states === undefined) return `${i + 1}.${name}`;
      return `${i + 1}.${name} [${states.length === 0 ? 'none' : states.join(', ')}]`;
    }),
    `${devices.length + 1}.any (all devices of all network namespaces)`,
  ];
}

/**
 * What -i means: a name stays, a number that no device is named is a line of -D, as with tcpdump.
 *
 * @throws UsageError
 */
export function resolveDevice(spelled: string, text: string, reader: FileReader): string {
  if (!/^[0-9]+$/.test(text)) return text;
  const names = [...listDevices(reader).map(({ name }) => name), 'any'];
  if (names.includes(text)) return text;
  const name = names[Number(text) - 1];
  if (name !== undefined) return name;
  const near = nearest(text, names);
  throw new UsageError(`choosing a device: ${spelled} ${text}: no such device`, {
    hint: near.length > 0 ? `did you mean ${near.join(' or ')}?` : 'xcap -D lists them',
  });
}
