import { EXIT, FilterError, UsageError, type ExitCode } from '../../errors.ts';
import { openLibpcap } from '../../ffi/libpcap.ts';
import { compileFilter } from '../../filter/compiler.ts';
import { list } from '../../filter/list.ts';
import { ProgramError } from '../../filter/program-error.ts';
import { tokenise } from '../../filter/tokenise.ts';
import { DEFAULT_SNAPLEN } from '../capture-options.ts';
import { filterProgram } from '../filter-program.ts';
import type { Given } from '../given.ts';
import type { CliIo } from '../io.ts';
import { linkTypeNumber } from '../link-types.ts';

/** `xcap filter EXPR`: what an expression is compiled to. */
export function filterCommand(given: Given, words: readonly string[], io: CliIo): ExitCode {
  if (words.length === 0) {
    throw new UsageError('reading the command line: filter: its expression is missing', {
      hint: "xcap filter 'tcp port 80'",
    });
  }
  const expression = words.join(' ');
  const emit = given.value('emit', (_spelled, text) => text) ?? 'cbpf';
  const linkType = given.value('link-type', linkTypeNumber) ?? linkTypeNumber('', 'EN10MB');
  const program = filterProgram(expression, openLibpcap(), {
    linkType,
    snaplen: DEFAULT_SNAPLEN,
    optimize: true,
  });
  if (emit === 'cbpf') {
    io.stdout.print(`${list(program, 'd').join('\n')}\n`);
  } else {
    try {
      io.stdout.print(ensureNewline(compileFilter(program, { symbol: 'xcap_filter' }).text));
    } catch (error) {
      if (!(error instanceof ProgramError)) throw error;
      const culprit = tokenise(expression).find(({ text }) => error.keywords.includes(text));
      throw new FilterError(expression, culprit?.start ?? 0, error.message, { cause: error });
    }
  }
  return EXIT.done;
}

const ensureNewline = (text: string): string => (text.endsWith('\n') ? text : `${text}\n`);
