import { UsageError } from '../../errors.ts';
import { linkTypeNumber } from '../link-types.ts';

/** Names that xdpcap has of its own (those of gopacket), as DLT_ numbers of pcap/dlt.h. */
const NAMES: ReadonlyMap<string, number> = new Map([
  ['ethernet', 1],
  ['802.11', 105],
  ['radiotap', 127],
  ['prism', 119],
  ['linux sll', 113],
]);

/** LINKTYPE_RAW of capture files, https://www.tcpdump.org/linktypes.html; here the same is DLT_RAW. */
const LINKTYPE_RAW = 101;
const DLT_RAW = 12;
const NUMBER = /^(0x[0-9a-f]+|[0-9]+)$/;

/** @param text a name in any case, or a number @throws UsageError */
export function linkTypeByName(text: string): number {
  const word = text.trim().toLowerCase();
  const known = NAMES.get(word);
  if (known !== undefined) return known;
  if (!NUMBER.test(word)) return linkTypeNumber('-linktype', word);
  const number = Number(word);
  if (number > 0xffff)
    throw new UsageError(`reading the command line: -linktype: ${text}: too large`);
  return number === LINKTYPE_RAW ? DLT_RAW : number;
}
