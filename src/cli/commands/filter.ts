import { existsSync } from 'node:fs';
import { EXIT, UsageError, type ExitCode } from '../../errors.ts';
import { openLibpcap } from '../../ffi/libpcap.ts';
import { list } from '../../filter/list.ts';
import { DEFAULT_SNAPLEN } from '../capture-options.ts';
import { translate } from '../file-filters.ts';
import { filterProgram } from '../filter-program.ts';
import type { Given } from '../given.ts';
import type { CliIo } from '../io.ts';
import { linkTypeNumber } from '../link-types.ts';

const ETHERNET = 1;

/** `xcap filter EXPR`: what an expression is compiled to, and what it says of packets in files. */
export async function filterCommand(
  given: Given,
  words: readonly string[],
  io: CliIo,
): Promise<ExitCode> {
  const option = given.has('read') ? 'read' : 'verify';
  const line = splitFiles(
    given.list(option, (_spelled, text) => text),
    words,
  );
  if (line.words.length === 0) {
    throw new UsageError('reading the command line: filter: its expression is missing', {
      hint: "xcap filter 'tcp port 80'",
    });
  }
  const expression = line.words.join(' ');
  if (line.files.length > 0) {
    const { readFiles, verifyFiles } = await import('./filter-files.ts');
    return await (option === 'read' ? readFiles : verifyFiles)(expression, line.files, io);
  }
  const linkType = given.value('link-type', linkTypeNumber);
  if (given.has('explain')) {
    const { explainLines } = await import('./explain-filter.ts');
    io.stdout.print(`${explainLines(expression, linkType).join('\n')}\n`);
    return EXIT.done;
  }
  const program = filterProgram(expression, openLibpcap(), {
    linkType: linkType ?? ETHERNET,
    snaplen: DEFAULT_SNAPLEN,
    optimize: true,
  });
  if ((given.value('emit', (_spelled, text) => text) ?? 'cbpf') === 'cbpf') {
    io.stdout.print(`${list(program, 'd').join('\n')}\n`);
  } else {
    const { nativeUnit } = await import('../../judge/native-unit.ts');
    io.stdout.print(nativeUnit(translate(expression, program)));
  }
  return EXIT.done;
}

/**
 * An expression after the files, `--read a.pcap tcp port 80`: the option took its words, so that they
 * begin where the files end.
 */
function splitFiles(
  files: readonly string[],
  words: readonly string[],
): { readonly files: readonly string[]; readonly words: readonly string[] } {
  if (words.length > 0 || files.length < 2) return { files, words };
  const end = files.findIndex((file, i) => i > 0 && file !== '-' && !existsSync(file));
  return end < 0 ? { files, words } : { files: files.slice(0, end), words: files.slice(end) };
}
