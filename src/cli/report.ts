import { EXIT, FilterError, VerifierError, XcapError, type ExitCode } from '../errors.ts';
import { formatFilterError } from '../filter/format-error.ts';
import type { Logger } from '../log.ts';

/** Codes of a write to a reader that went away: an ordinary end. */
export function isClosedPipe(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EPIPE';
}

/**
 * Says what went wrong: one line, and a second one with the remedy where there is one; for a filter
 * expression its text and a caret between them.
 *
 * @param debug print the verifier's log and the stack as well (XCAP_DEBUG=1)
 * @returns the exit status that goes with it
 */
export function reportError(error: unknown, log: Logger, debug: boolean): ExitCode {
  if (isClosedPipe(error)) return EXIT.done;
  const known = error instanceof XcapError;
  if (error instanceof FilterError) {
    const [message = '', ...place] = formatFilterError(error);
    log.note(oneLine(message));
    for (const line of place) log.text(line);
  } else if (known) {
    log.note(oneLine(error.message));
  } else {
    const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    log.note(`running: an error that xcap does not know: ${oneLine(what)}`);
  }
  const hint = known ? error.hint : 'this is a bug; XCAP_DEBUG=1 shows where';
  if (hint !== undefined) log.text(`  ${oneLine(hint)}`);
  if (debug && error instanceof VerifierError) log.text(error.log);
  if (debug) log.text(stackOf(error));
  return known ? error.exitCode : EXIT.runtime;
}

function oneLine(text: string): string {
  return text.trim().replace(/\s*\n\s*/g, '; ');
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `\ncaused by: ${stackOf(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
