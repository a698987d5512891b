import { UsageError } from '../errors.ts';
import { nearest } from '../util/nearest.ts';
import { listLinksByIp, type Link, type ListLinks } from './links.ts';
import type { NetnsNames } from './netns.ts';

/** A device, and the XDP programs that it has. */
export interface XdpDevice {
  readonly name: string;
  readonly ifindex: number;
  /** Inode number of its namespace. */
  readonly netns: number;
  /** A file that setns(2) takes; undefined for the caller's own namespace. */
  readonly netnsPath: string | undefined;
  /** Ids; several where it has them in several modes. */
  readonly programs: readonly number[];
}

/**
 * The device that `IFACE` or `IFACE@NETNS` means; undefined when there is none of that name here.
 *
 * @throws UsageError for one that is not in the namespace that is named
 */
export type FindXdpDevice = (text: string) => XdpDevice | undefined;

/** Looks devices up, and their programs, as they are when asked. */
export function xdpDevices(
  netns: NetnsNames,
  listLinks: ListLinks = listLinksByIp,
): { readonly find: FindXdpDevice; readonly here: () => readonly XdpDevice[] } {
  const describe = (link: Link, inode: number, netnsPath: string | undefined): XdpDevice => ({
    ...{ name: link.name, ifindex: link.ifindex, netns: inode, netnsPath },
    programs: link.xdpPrograms ?? [],
  });
  const here = (): readonly XdpDevice[] =>
    listLinks(undefined).map((link) => describe(link, netns.own ?? 0, undefined));
  return {
    here,
    find: (text) => {
      const own = here().find(({ name }) => name === text);
      const at = text.indexOf('@');
      if (own !== undefined || at <= 0) return own;
      const place = text.slice(at + 1);
      const { inode, path } = netns.parse(place);
      if (path === undefined) {
        throw new UsageError(`choosing a device: ${text}: no process or name leads to ${place}`);
      }
      const links = listLinks(path);
      const name = text.slice(0, at);
      const link = links.find((each) => each.name === name);
      if (link !== undefined) {
        return describe(link, inode, inode === netns.own ? undefined : path);
      }
      const names = links.map((each) => each.name);
      const near = nearest(name, names);
      throw new UsageError(`choosing a device: ${text}: no such device in ${place}`, {
        hint: `${near.length > 0 ? `did you mean ${near.join(' or ')}? ` : ''}devices in ${place} are ${names.join(', ')}`,
      });
    },
  };
}
