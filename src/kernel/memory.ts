/** Keeps what was found out about the running kernel from one run to the next, for as long as it holds. */
export interface KernelMemory {
  recall(question: string): string | undefined;
  keep(question: string, answer: string): void;
}
