import type { CaptureOptions } from '../../capture/options.ts';
import { EXIT, type ExitCode } from '../../errors.ts';
import { list, type ListingStyle } from '../../filter/list.ts';
import { openLibpcap } from '../../ffi/libpcap.ts';
import { filterProgram } from '../filter-program.ts';
import type { CliIo } from '../io.ts';
import { linkTypeNumber } from '../link-types.ts';

const STYLES: readonly ListingStyle[] = ['d', 'dd', 'ddd'];

/** -d, -dd, -ddd: what `tcpdump -d` prints, without opening a device. */
export function dumpFilter(options: CaptureOptions, io: CliIo): ExitCode {
  const program = filterProgram(options.expression, openLibpcap(), {
    linkType: linkTypeNumber('-y', options.linkTypeOverride ?? 'EN10MB'),
    snaplen: options.snaplen,
    optimize: options.optimize,
  });
  const style = STYLES[options.dumpFilter - 1] ?? 'd';
  io.stdout.print(`${list(program, style).join('\n')}\n`);
  return EXIT.done;
}
