import { reportError } from '../../src/cli/report.ts';
import { runCli } from '../../src/cli/run-cli.ts';

export interface CliOutcome {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** The command line of xcap in this process, with nothing behind it that ends it. */
export async function runInProcess(
  args: readonly string[],
  { isTerminal = true }: { readonly isTerminal?: boolean } = {},
): Promise<CliOutcome> {
  let out = '';
  let err = '';
  const log = {
    note: (...messages: readonly string[]) => {
      for (const message of messages) err += `xcap: ${message}\n`;
    },
    text: (text: string) => void (err += `${text}\n`),
  };
  const io = {
    abort: new AbortController().signal,
    onSummaryRequest: () => () => undefined,
    env: {},
    log,
    stdout: { fd: 1, isTerminal, print: (text: string) => void (out += text) },
  };
  const status = await runCli(args, io).catch((error: unknown) => reportError(error, log, false));
  return { status, out, err };
}
