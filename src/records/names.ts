import type { RawRule } from '../abi/rules.ts';
import type { ReturnType } from '../hooks/return-type.ts';
import type { SocketOwner } from '../kernel/socket-owners.ts';
import type { UserValue } from '../user-c/values.ts';
import type { Rule } from './rule.ts';

/** What turns numbers of the kernel into names; each answers undefined when it cannot tell. */
export interface Names {
  /** Hook ids by index in the run. */
  readonly hooks: readonly string[];
  /** Where each hook is attached, in words: `skb:kfree_skb, BTF-typed`. */
  readonly attachPoints: readonly string[];
  readonly socketOwner: (inode: number) => SocketOwner | undefined;
  /** Path of a cgroup; undefined without cgroup v2. */
  readonly cgroup?: (id: number) => string | undefined;
  /** Where a process is, when its cgroup in v2 tells nothing. */
  readonly cgroupOfProcess?: (pid: number) => string | undefined;
  /** What the return values mean, by hook; undefined where there is none. */
  readonly returns: readonly (ReturnType | undefined)[];
  /** Realtime minus monotonic clock, nanoseconds, now. */
  readonly clockOffsetNs: () => bigint;
  /** Undefined where the kernel has no drop reasons (before 5.17). */
  readonly reason: ((value: number) => string) | undefined;
  readonly location: (address: bigint) => string;
  /** As location(), of an address that a call returns to. */
  readonly frame?: (address: bigint) => string;
  readonly netns: (inode: number) => string | undefined;
  readonly netnsLabel: (inode: number) => string | undefined;
  /** The context was told by the stack: ksoftirqd's own stack is a task's, what it runs is softirq. */
  readonly contextByStack: boolean;
  /** Name of a device of a namespace; undefined when it is not known. */
  readonly device?: (netns: number, ifindex: number) => string | undefined;
  /** --rule; undefined without. */
  readonly rule?: ((raw: RawRule, reason: string | undefined) => Rule | undefined) | undefined;
  /** Fields of --action-c; undefined without. */
  readonly user: ((bytes: Uint8Array) => readonly UserValue[]) | undefined;
}
