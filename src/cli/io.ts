import type { CaptureIo } from '../capture/options.ts';

/** The process as the command line sees it; main.ts makes the real one. */
export interface CliIo extends CaptureIo {
  readonly env: Readonly<Record<string, string | undefined>>;
}
