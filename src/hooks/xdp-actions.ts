/** enum xdp_action of include/uapi/linux/bpf.h, by number, without XDP_ and in lower case. */
export const XDP_ACTIONS = ['aborted', 'drop', 'pass', 'tx', 'redirect'] as const;

/** Its name; the number where it has none. */
export const xdpActionName = (action: number): string => XDP_ACTIONS[action] ?? String(action);

const NUMBER = /^(0x[0-9a-f]+|0o[0-7]+|0b[01]+|[0-9]+)$/;
const MOST_ACTION = 2 ** 32 - 1;

/** An action by its name, in any case, or by its number; undefined for what is neither. */
export function parseXdpAction(text: string): number | undefined {
  const word = text.trim().toLowerCase();
  const named = XDP_ACTIONS.findIndex((name) => name === word);
  if (named >= 0) return named;
  const number = NUMBER.test(word) ? Number(word) : Infinity;
  return number <= MOST_ACTION ? number : undefined;
}
