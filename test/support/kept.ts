import type { KernelMemory } from '../../src/kernel/memory.ts';

/** Keeps everything, for as long as a test goes. */
export class Kept extends Map<string, string> implements KernelMemory {
  recall(question: string): string | undefined {
    return this.get(question);
  }
  keep(question: string, answer: string): void {
    this.set(question, answer);
  }
}
