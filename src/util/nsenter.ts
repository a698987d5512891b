/** For programs whose output is read: they run to their end, and are in directories that a plain user's PATH lacks. */
export const TOOL_OPTIONS = {
  encoding: 'utf8',
  timeout: 5000,
  env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
  maxBuffer: 256 * 1024 * 1024,
} as const;

/** The command in a network namespace, by a file that setns(2) takes: with nsenter of util-linux. */
export const inNetns = (
  netnsPath: string,
  command: readonly string[],
): readonly [string, readonly string[]] => ['nsenter', [`--net=${netnsPath}`, '--', ...command]];

/** What nsenter prints when there is no such program in it. */
export const NOT_EXECUTED = /failed to execute/;
