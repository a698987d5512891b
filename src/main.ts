import type { CliIo } from './cli/io.ts';
import { reportError } from './cli/report.ts';
import { runCli } from './cli/run-cli.ts';
import { watchSignals } from './cli/signals.ts';
import { standardOutput } from './cli/stdout.ts';
import { EXIT } from './errors.ts';
import { createLogger } from './log.ts';

/**
 * The edge of the process: arguments, environment, signals, descriptors 1 and 2, exit status.
 * Nothing else calls process.exit or reads process.env.
 */

const log = createLogger(2);

function endWith(error: unknown): never {
  process.exit(reportError(error, log, (process.env['XCAP_DEBUG'] ?? '') !== ''));
}

process.on('uncaughtException', endWith);

const io: CliIo = {
  ...watchSignals(log, () => {
    process.exit(EXIT.done);
  }),
  env: process.env,
  log,
  stdout: standardOutput(),
};

// What is built of this is CommonJS (src/launch.ts), which has no await here.
runCli(process.argv.slice(2), io).then((status) => process.exit(status), endWith);
