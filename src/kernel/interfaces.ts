import { UsageError } from '../errors.ts';
import { nearest } from '../util/nearest.ts';
import { type Link, type ListLinks, listLinksByIp, sysfsLinks } from './links.ts';
import type { NetnsNames } from './netns.ts';
import type { FileReader } from './reader.ts';

/** A device that a user named with -i. */
export interface InterfaceRef extends Link {
  /** Inode number of its namespace. */
  readonly netns: number;
}

export interface InterfaceContext {
  readonly reader: FileReader;
  readonly netns: NetnsNames;
  /** How to list devices where sysfs does not show them. */
  readonly listLinks?: ListLinks;
}

/**
 * The device that `IFACE` means in the caller's namespace, or `IFACE@NETNS` in another; undefined
 * for `any`. A name with an @ of its own goes first. Throws UsageError with the nearest names.
 */
export function resolveInterface(
  text: string,
  { reader, netns, listLinks = listLinksByIp }: InterfaceContext,
): InterfaceRef | undefined {
  if (text === 'any') return undefined;
  const own = sysfsLinks(reader) ?? listLinks(undefined);
  const here = own.find((link) => link.name === text);
  const at = text.indexOf('@');
  if (here === undefined && at > 0) {
    const place = text.slice(at + 1);
    const ref = netns.parse(place);
    if (ref.inode !== netns.own) {
      if (ref.path === undefined) {
        throw new UsageError(`choosing a device: ${text}: no process or name leads to ${place}`, {
          hint: 'use --netns with --ifname instead',
        });
      }
      return find(text, text.slice(0, at), listLinks(ref.path), ref.inode, `in ${place}`);
    }
    return find(text, text.slice(0, at), own, ref.inode, 'here');
  }
  return find(text, text, own, netns.parse('self').inode, 'here');
}

function find(
  text: string,
  name: string,
  links: readonly Link[],
  netns: number,
  where: string,
): InterfaceRef {
  const link = links.find((each) => each.name === name);
  if (link !== undefined) return { ...link, netns };
  const names = links.map((each) => each.name);
  const near = nearest(name, names);
  const suggestion = near.length > 0 ? `did you mean ${near.join(' or ')}? ` : '';
  throw new UsageError(`choosing a device: ${text}: no such device ${where}`, {
    hint: `${suggestion}devices ${where} are ${names.join(', ')}; IFACE@NETNS names one elsewhere`,
  });
}
