/**
 * Errors that a user sees. The message reads "doing what: with what: why" (lower case, no full
 * stop); `hint` is the remedy, printed on a second line. Exit statuses are those of README.
 */

/** Exit statuses: README, "Exit status". */
export const EXIT = {
  done: 0,
  usage: 1,
  filter: 2,
  permission: 3,
  unsupported: 4,
  runtime: 5,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export interface XcapErrorOptions {
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/** Base of every error xcap raises on purpose; anything else that reaches main is a bug. */
export class XcapError extends Error {
  readonly exitCode: ExitCode;
  readonly hint: string | undefined;

  constructor(exitCode: ExitCode, message: string, options: XcapErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.exitCode = exitCode;
    this.hint = options.hint;
  }
}

/** A wrong flag, an unknown hook, reason or namespace: status 1. */
export class UsageError extends XcapError {
  constructor(message: string, options?: XcapErrorOptions) {
    super(EXIT.usage, message, options);
  }
}

/** A filter expression that libpcap refuses: status 2. `column` counts UTF-16 units from 0. */
export class FilterError extends XcapError {
  readonly expression: string;
  readonly column: number;

  constructor(expression: string, column: number, message: string, options?: XcapErrorOptions) {
    super(EXIT.filter, message, options);
    this.expression = expression;
    this.column = column;
  }
}

/** Not allowed: status 3. */
export class PermissionError extends XcapError {
  constructor(message: string, options?: XcapErrorOptions) {
    super(EXIT.permission, message, options);
  }
}

/** The kernel or a library cannot do it: status 4. */
export class UnsupportedError extends XcapError {
  constructor(message: string, options?: XcapErrorOptions) {
    super(EXIT.unsupported, message, options);
  }
}

/** It failed while running: status 5. */
export class RuntimeError extends XcapError {
  constructor(message: string, options?: XcapErrorOptions) {
    super(EXIT.runtime, message, options);
  }
}

/** A system call that failed; `errno` is the positive number, `code` its name (EPERM). */
export class SystemError extends XcapError {
  readonly call: string;
  readonly errno: number;
  readonly code: string;

  constructor(
    call: string,
    errno: number,
    code: string,
    message: string,
    options?: XcapErrorOptions,
  ) {
    super(
      code === 'EPERM' || code === 'EACCES' ? EXIT.permission : EXIT.unsupported,
      message,
      options,
    );
    this.call = call;
    this.errno = errno;
    this.code = code;
  }
}

/** The verifier refused a program; `log` is its whole log, the message shows its last lines. */
export class VerifierError extends XcapError {
  readonly log: string;

  constructor(message: string, log: string, options?: XcapErrorOptions) {
    super(EXIT.unsupported, message, options);
    this.log = log;
  }
}

/** For the default of a switch over a closed set: a compile error when a case is missing. */
export function assertNever(value: never): never {
  throw new TypeError(`unexpected value ${JSON.stringify(value)}`);
}
